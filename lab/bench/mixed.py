"""A history of all agents, each in its own true format: the same bytes for the same seed, size, time and folder,
but for the last entry of a log that shows whose a transcript in a project is.

One session is in memory at a time. Sessions are written in the order in which they happened, as the agents did it.
"""

import importlib
import importlib.util
import os
import random
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable
from unittest.mock import patch

from bench.corpus import DAY_MS, DAYS_AGO, HOUR_MS, Corpus, conversations, make_project, write_transcript
from bench.work import ANSWERS, PROMPTS, RULINGS, code
from carryover.agents import adapters
from chaos.load import chaos_tools
from matrix.tool import Played, Tool

Play = Callable[[Path, Path, datetime], AbstractContextManager[Played]]

CLAUDE: Final = "claude-code"
"""Written with all that its transcripts hold (`conversation.py`); the others as the matrix and the chaos run do it."""

SHARES: Final[Mapping[str, float]] = {CLAUDE: 8, "codex": 4, "cursor": 2, "opencode": 2, "aider": 0.4, "windsurf": 0.4}
"""How much of the history is each program's; 1 for one that is not named."""

SESSIONS_PER_MB: Final = 10.0
PROJECTS_PER_MB: Final = 0.15
"""A history of 2 GB has 20,000 sessions in 300 projects."""

_connect: Final = sqlite3.connect


@runtime_checkable
class Anew(Protocol):
    """A session that is written as a whole, with each of its messages."""

    def save(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Planned:
    end_ms: int
    tool: str
    root: Path
    budget: int


def make_mixed(home: Path, *, megabytes: float, seed: int, now_ms: int) -> Corpus:
    """Write about `megabytes` of sessions of all agents, the last one a minute before `now_ms`, and their projects."""
    chance = random.Random(seed)
    plays = _plays()
    names = [f"project-{number:03}" for number in range(max(6, round(megabytes * PROJECTS_PER_MB)))]
    roots = [make_project(home / "work" / name) for name in names]
    sizes: dict[str, tuple[int, int]] = {}
    text_share: dict[str, float] = {}
    places: dict[str, set[str]] = {}
    with (
        patch.object(uuid, "uuid4", lambda: uuid.UUID(int=chance.getrandbits(128), version=4)),
        patch.object(sqlite3, "connect", _connect_unsynced),
    ):
        for planned in sorted(_plan(chance, roots, megabytes, sorted(plays), now_ms), key=lambda each: each.end_ms):
            if planned.tool == CLAUDE:
                for path, talk in conversations(chance, home, planned.root, planned.budget, planned.end_ms):
                    write_transcript(path, talk)
                    sizes[str(path)] = talk.size, path.stat().st_mtime_ns
                continue
            # How much of what a program writes is text that it was given, until it has written a session.
            text = int(planned.budget * text_share.get(planned.tool, 0.5))
            given = _play(plays[planned.tool], chance, home, planned, text)
            written = _date(home, places.setdefault(planned.tool, set()), sizes, planned.end_ms)
            text_share[planned.tool] = given / max(1, written)
    files = tuple(Path(path) for path in sorted(sizes, key=lambda path: (-sizes[path][1], Path(path))))
    return Corpus(home, tuple(roots), files, 0, sum(size for size, _ in sizes.values()))


def _connect_unsynced(*given: Any, **options: Any) -> sqlite3.Connection:
    """A database that reaches the disk when it can: agents commit each message, and each commit waits for the disk."""
    db: sqlite3.Connection = _connect(*given, **options)
    db.execute("PRAGMA synchronous = OFF")
    return db


def _plan(
    chance: random.Random, roots: list[Path], megabytes: float, tools: list[str], now_ms: int
) -> Iterator[Planned]:
    """Sessions in turns over the projects, one of each program first, before all the one whose hooks are run."""
    count = max(30, round(megabytes * SESSIONS_PER_MB))
    weights = [chance.lognormvariate(0, 0.8) for _ in range(count)]
    missing = {tool: SHARES.get(tool, 1) / sum(SHARES.get(each, 1) for each in tools) for tool in tools}
    firsts = [CLAUDE, *(tool for tool in tools if tool != CLAUDE)]
    for number, weight in enumerate(weights):
        place = number % len(roots)
        tool = firsts[number] if number < len(firsts) else max(tools, key=lambda each: missing[each])
        part = weight / sum(weights)
        missing = {each: missing[each] - (part if each == tool else 0) for each in tools}
        days_ago = DAYS_AGO[place] if place < len(DAYS_AGO) else DAYS_AGO[-1] + 5 * (place - len(DAYS_AGO) + 1)
        # No two at the same second: some programs name sessions by it.
        end_ms = now_ms - 60_000 - int(days_ago * DAY_MS) - number // len(roots) * 5 * HOUR_MS - number * 1000
        yield Planned(end_ms, tool, roots[place], int(megabytes * 1e6 * part))


def _play(play: Play, chance: random.Random, home: Path, planned: Planned, text_bytes: int) -> int:
    start = datetime.fromtimestamp((planned.end_ms - max(120_000, planned.budget)) / 1000, UTC)
    given = 0
    with play(home, planned.root, start) as played:
        while given < text_bytes:
            given += _turn(played, chance, planned.root)
        # What follows the last input in a project's history is dated by its file, which only now can be its user's own.
        played.end("closed")
    return given


def _turn(played: Played, chance: random.Random, root: Path) -> int:
    file, name = code().some(chance)
    prompt = chance.choice(PROMPTS).format(file=file, name=name)
    if chance.random() < 0.03:
        prompt = f"{prompt} {chance.choice(RULINGS)}"
    played.prompt(prompt)
    given = len(prompt)
    for _ in range(chance.randint(2, 8)):
        given += chance.choices((_edit, _test, _read), (3, 2, 5))[0](played, chance, root, file)
    answer = chance.choice(ANSWERS).format(file=file, name=name)
    played.say(answer)
    return given + len(answer)


def _edit(played: Played, chance: random.Random, root: Path, file: str) -> int:
    _, lines = code().part(chance, file, 12)
    old = "\n".join(lines)
    played.edit(root / "lib" / Path(file).name, old, f"{old}  # checked")
    return 2 * len(old)


def _test(played: Played, chance: random.Random, root: Path, file: str) -> int:
    module = Path(file).stem
    failed = chance.random() < 0.3
    _, lines = code().part(chance, file, 40)
    output = "\n".join(lines) + f"\nFAILED tests/test_{module}.py::test_empty - assert 1 == 2\n" if failed else ""
    output += f"{'1 failed, ' if failed else ''}{chance.randint(3, 90)} passed in 2.10s\n"
    played.run(f"python3 -m pytest -q tests/test_{module}.py", output, int(failed))
    return len(output)


def _read(played: Played, chance: random.Random, root: Path, file: str) -> int:
    start, lines = code().part(chance, file, 200)
    output = "\n".join(lines) + "\n"
    played.run(f"sed -n {start},{start + len(lines) - 1}p {file}", output, 0)
    return len(output)


def _date(home: Path, places: set[str], sizes: dict[str, tuple[int, int]], end_ms: int) -> int:
    """Note every file that is new or has grown, and let it be last changed at `end_ms`; by how many bytes they grew.

    `places`: the folders of the home that this program writes to, all of them while none is known. Nothing in the
    projects is dated: there, the time of a change shows whether the user's own agent wrote a file.
    """
    grown = 0
    for place in sorted(places or {entry.name for entry in home.iterdir()}):
        for path in _files(home, place):
            found = os.stat(path)  # noqa: PTH116 (no Path objects, see `_files`)
            known = sizes.get(path, (0, 0))
            if known == (found.st_size, found.st_mtime_ns):
                continue
            # Folders of the home in which no agent keeps anything that is dated.
            if place not in ("work", ".carryover"):
                os.utime(path, ns=(end_ms * 1_000_000, end_ms * 1_000_000))
            places.add(place)
            grown += found.st_size - known[0]
            sizes[path] = found.st_size, Path(path).stat().st_mtime_ns
    return grown


def _files(home: Path, place: str) -> Iterator[str]:
    """What agents keep in a folder of the home, at the top of the projects in `work`; without git and the sources.

    All files of a program are looked at after each of its sessions, so that they are no `Path`, which takes longer.
    """
    top = str(home / place)
    for folder, folders, files in os.walk(top):
        if place == "work" and folder != top:
            folders.clear()
            files = [name for name in files if name.startswith(".") and not name.startswith(".git")]
        yield from (f"{folder}/{name}" for name in files if not name.endswith(("-wal", "-shm", "-journal")))


def _plays() -> dict[str, Play]:
    """How each program's session is written: as its `history_case.py` says, else as under chaos."""
    plays: dict[str, Play] = {tool.id: _whole(tool) for tool in chaos_tools()}
    for agent in adapters():
        name = f"agents.{agent.replace('-', '_')}.history_case"
        if importlib.util.find_spec(name) is not None:
            plays |= importlib.import_module(name).PLAYS
    return plays


def _whole(tool: Tool) -> Play:
    """A session that an agent writes anew with each message is written once, at its end."""

    @contextmanager
    def play(home: Path, folder: Path, now: datetime) -> Iterator[Played]:
        played = tool.play(home, folder, now)
        if not isinstance(played, Anew):
            yield played
            return
        with patch.object(played, "save", lambda: None):
            yield played
        played.save()

    return play
