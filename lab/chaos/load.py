"""The load: sessions of every agent that has a player, and a log of what they wrote that the ledger must match."""

import importlib
import importlib.util
import os
import random
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from carryover.agents import adapters
from matrix.tool import Played, Tool, tools

MARK: Final = re.compile(r"mark\d{6}")
TOPICS: Final = ("cart", "price", "label", "order", "stock")
YEARS_AWAY: Final = (-50, -3, 2, 30)
_HOME_IN_USE: Final = threading.RLock()
"""Players find their home by a variable of this process, which has one value for all machines."""


Kind = Literal["prompt", "answer", "edit", "command"]


@dataclass(eq=False)
class Turn:
    """A turn that was written, known by a text that no other one contains."""

    mark: str
    project: Path
    tool: str
    kinds: tuple[Kind, ...] = ("prompt", "answer")
    """What was written of it; each has the mark."""
    end: int = 0
    on_disk: bool = True
    """It can be read again from what the agent left."""
    confirmed: bool = False
    """The ledger had it, and has lost nothing since."""

    forgotten: Literal["no", "yes", "perhaps"] = "no"
    """Whether the user has had it forgotten; perhaps, where the state folder was lost."""

    @property
    def owed(self) -> bool:
        """The ledger must have it once all is quiet. What was gone before it was read may be missing."""
        return self.forgotten == "no" and (self.on_disk or self.confirmed)


@dataclass(eq=False)
class Store:
    path: Path
    traits: frozenset[str]
    turns: list[Turn] = field(default_factory=list)

    @property
    def parts(self) -> list[Path]:
        """Its files: a database has others beside it while it is in use."""
        places = (self.path.with_name(self.path.name + end) for end in ("", "-wal", "-shm"))
        return [place for place in places if place.exists()]

    @property
    def grows(self) -> bool:
        """A text that is appended to, not a database."""
        try:
            with self.path.open("rb") as file:
                return not file.read(16).startswith(b"SQLite format 3\x00")
        except OSError:
            return False


@dataclass(eq=False)
class Session:
    tool: Tool
    project: Path
    played: Played
    store: Store | None = None
    turns: list[Turn] = field(default_factory=list)


def chaos_tools() -> dict[Tool, frozenset[str]]:
    found: dict[Tool, frozenset[str]] = {}
    for agent_id in adapters():
        name = f"agents.{agent_id.replace('-', '_')}.chaos_case"
        if importlib.util.find_spec(name) is not None:
            case = importlib.import_module(name)
            found |= dict.fromkeys(case.TOOLS, case.TRAITS)
        else:
            found |= dict.fromkeys((tool for tool in tools() if tool.agent == agent_id), frozenset())
    return found


class Load:
    def __init__(self, home: Path, projects: list[Path], chance: random.Random, first_mark: int = 0) -> None:
        self.home = home
        self._first_mark = first_mark
        self.projects = projects
        self.turns: list[Turn] = []
        self.stores: dict[Path, Store] = {}
        self._resting: frozenset[str] = frozenset()
        self._without_hooks = False
        self._chance = chance
        self._tools = chaos_tools()
        self._sessions: list[Session] = []
        self._first = datetime.now(UTC) - timedelta(hours=6)
        self.past_forgotten = False
        """Whether a project's past may have been forgotten: nothing is dated before that moment from then on."""

    def play(self, turns: int = 1) -> None:
        """Some turns of random sessions; a new one begins until every tool has one, and now and then."""
        for _ in range(turns):
            able = [each for each in self._sessions if self._may_write(each.tool)]
            missing = {tool for tool in self._tools if self._may_write(tool)} - {each.tool for each in able}
            fresh = bool(missing) or self._chance.random() < 0.06
            self._turn(self._begin(missing) if fresh else self._chance.choice(able))

    @contextmanager
    def at_home(self) -> Iterator[None]:
        """Meanwhile the agents of this machine write, and those of no other one."""
        with _HOME_IN_USE:
            before = os.environ["HOME"]
            os.environ["HOME"] = str(self.home)  # nothing else: other threads read their variables meanwhile
            try:
                yield
            finally:
                os.environ["HOME"] = before

    def play_in(self, store: Store) -> None:
        if among := [session for session in self._sessions if session.store is store]:
            self._turn(self._chance.choice(among))

    @contextmanager
    def resting(self, store: Store | None = None) -> Iterator[None]:
        """Meanwhile nobody writes who has written into that store; without one, no agent that depends on hooks does."""
        self._resting = frozenset(turn.tool for turn in store.turns) if store else frozenset()
        self._without_hooks = store is None
        try:
            yield
        finally:
            self._resting, self._without_hooks = frozenset(), False

    def end_sessions(self, store: Store) -> None:
        self._sessions = [session for session in self._sessions if session.store is not store]

    def end_session(self) -> tuple[str, list[Turn]] | None:
        if not self._sessions:
            return None
        session = self._chance.choice(self._sessions)
        self._turn(session)
        self._sessions.remove(session)
        return session.played.session, session.turns

    def end_sessions_in(self, project: Path) -> list[Turn]:
        self._sessions = [session for session in self._sessions if session.project != project]
        return [turn for turn in self.turns if turn.project == project]

    def begin_now(self) -> None:
        """No session that begins from now on is dated before this moment."""
        self._first = datetime.now(UTC) - timedelta(seconds=20 * len(self.turns))
        self.past_forgotten = True

    def possible(self, shifts: tuple[int, ...]) -> tuple[int, ...]:
        """Returns the shifts of time that are possible now."""
        return tuple(shift for shift in shifts if shift > 0 or not self.past_forgotten)

    def traits_of(self, tool_id: str) -> frozenset[str]:
        return next(traits for tool, traits in self._tools.items() if tool.id == tool_id)

    def growing(self) -> list[Store]:
        return [store for store in self.present() if store.grows]

    def databases(self) -> list[Store]:
        return [store for store in self.present() if not store.grows]

    def present(self) -> list[Store]:
        return [store for path, store in sorted(self.stores.items()) if store.turns and path.exists()]

    def _may_write(self, tool: Tool) -> bool:
        return not (tool.id in self._resting or (self._without_hooks and "hooks" in self._tools[tool]))

    def _begin(self, missing: set[Tool]) -> Session:
        among = missing or {tool for tool in self._tools if self._may_write(tool)}
        tool = self._chance.choice(sorted(among, key=lambda tool: tool.id))
        project = self._chance.choice(self.projects)
        at = self._first + timedelta(seconds=20 * len(self.turns))
        if self._chance.random() < 0.1:
            at += timedelta(days=365 * self._chance.choice(self.possible(YEARS_AWAY)))
        with self.at_home():
            session = Session(tool, project, tool.play(self.home, project, at))
        self._sessions.append(session)
        return session

    def _turn(self, session: Session) -> None:
        turn = Turn(f"mark{self._first_mark + len(self.turns):06}", session.project, session.tool.id)
        self.turns.append(turn)
        session.turns.append(turn)
        with self.at_home():
            self._write(session, turn)
        self._note(session, turn)

    def _write(self, session: Session, turn: Turn) -> None:
        played, chance = session.played, self._chance
        topic = f"{chance.choice(TOPICS)}_{turn.mark}"
        step = len(session.turns)
        played.prompt(f"{turn.mark}: please change step {step} of {topic}.py")
        if chance.random() < 0.4:
            played.edit(session.project / f"{topic}.py", "return price", f"return price * {step}")
            turn.kinds += ("edit",)
        if chance.random() < 0.3:
            played.run(f"python3 -m pytest -q test_{topic}.py", "1 passed in 0.01s\n", 0)
            turn.kinds += ("command",)
        filler = "Filler. " * chance.choice((0, 9, 900))
        played.say(f"Step {step} of {turn.mark} is done. Next I will change {topic}.py. {filler}")

    def _note(self, session: Session, turn: Turn) -> None:
        if session.store is None or not session.store.path.exists():
            path = self._path_of(turn.mark)
            if path is None:
                return
            session.store = self.stores.setdefault(path, Store(path, self._tools[session.tool]))
        session.store.turns.append(turn)
        if session.store.grows:
            turn.end = session.store.path.stat().st_size

    def _path_of(self, mark: str) -> Path | None:
        """The file outside Carryover's own folders that holds the mark: the longest, where an agent keeps several."""
        found: list[tuple[int, Path]] = []
        for folder, folders, files in os.walk(self.home):
            folders[:] = [name for name in folders if name not in (".carryover", ".git")]
            for path in (Path(folder, name) for name in files):
                parts = () if path.name.endswith(("-shm", "-wal")) else (path, path.with_name(f"{path.name}-wal"))
                if any(mark.encode() in part.read_bytes() for part in parts if part.is_file()):
                    found.append((path.stat().st_size, path))
        return max(found, default=(0, None))[1]
