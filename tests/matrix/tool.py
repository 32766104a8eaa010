"""What an agent brings to the matrix of hand-overs.

A new agent adds `tests/agents/<agent>/matrix_case.py` with its `TOOLS`; nothing here changes.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import unified_diff
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

from carryover.agents import adapters

Ending = Literal["closed", "limit", "killed", "compacted"]
ENDINGS: tuple[Ending, ...] = get_args(Ending)


class Played(Protocol):
    """A session in the agent's own store. Each call is written as the agent writes it, a moment after the last."""

    @property
    def session(self) -> str:
        """Its id, as the agent's hooks tell it."""
        ...

    def prompt(self, text: str) -> None:
        """The user's words."""
        ...

    def edit(self, path: Path, old: str, new: str) -> None:
        """An edit that was applied."""
        ...

    def run(self, command: str, output: str, exit_code: int) -> None:
        """A shell command, its output and its end."""
        ...

    def say(self, text: str) -> None:
        """The words that end the turn."""
        ...

    def end(self, how: Ending) -> None:
        """The end of the session, which may come in the middle of a turn."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """What the agent hands to a hook."""

    event: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Tool:
    """One program of an agent, as it leaves work behind and as it takes work over."""

    id: str
    agent: str
    play: Callable[[Path, Path, datetime], Played]
    """Home folder, working folder, time: a new session."""
    reads: Callable[[Path, Path], str]
    """Project and working folder: the text that the agent reads there by itself, instructions or the handoff itself."""
    starts: Callable[[Path, Path, Played | None], Call] | None = None
    """Home folder, working folder, and the session that goes on, None for a new one: the hook of a session's start.
    None: no hook gives a session the handoff, so it has what the agent reads or loads."""
    takes_in: Callable[[str], str] = str
    """What of the hook's answer reaches the model."""
    loads: Callable[[Path], str] | None = None
    """Working folder: the handoff that an agent without such a hook loads there at each request."""
    silent_on: frozenset[str] = frozenset()
    """Facts of the story that its records do not hold, so that nobody can hand them over."""
    deletes: bool = False
    """A compaction deletes from its store what it sums up, so that it is known only if it was read before."""
    timed: bool = True
    """Its records tell times to the second. Where only prompts do, to the minute, how long work went on is unknown."""


class LinesPlayed:
    """A session in a file of JSON lines, each a second after the one before; what `Played` has is each agent's own."""

    def __init__(self, path: Path, session: str, folder: Path, now: datetime) -> None:
        self.path = path
        self.session = session
        self.folder = Path(folder.resolve())
        self._now = now
        self._calls = 0
        path.parent.mkdir(parents=True, exist_ok=True)

    def _next(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now

    def _time(self) -> str:
        return f"{self._next().astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{self._now.microsecond // 1000:03d}Z"

    def _next_call(self) -> str:
        self._calls += 1
        return f"call_{self._calls:04d}_0"

    def _write(self, record: dict[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def started(played: type[Any]) -> Callable[[Path, Path, Played | None], Call]:
    """What the hook of a session's start is handed by agents whose payloads have Claude Code's form (`Tool.starts`)."""

    def starts(home: Path, folder: Path, going_on: Played | None) -> Call:
        goes_on = isinstance(going_on, played)
        session: Any = going_on if goes_on else played(home, folder, datetime.now(UTC))
        given = {
            "session_id": session.session,
            "transcript_path": str(session.path),
            "cwd": str(folder.resolve()),
            "source": "resume" if goes_on else "startup",
            "hook_event_name": "SessionStart",
        }
        return Call("SessionStart", json.dumps(given).encode())

    return starts


def diff_of(path: Path, old: str, new: str, name: str, then: str) -> str:
    """The change of a file, which has a name before and one after it."""
    before = path.read_text() if path.exists() else old
    after = before.replace(old, new)
    return "\n".join(unified_diff(before.split("\n"), after.split("\n"), name, then, lineterm=""))


def injected(answer: str) -> str:
    """What a start hook of Claude Code's form adds to the session."""
    said = json.loads(answer)["hookSpecificOutput"]
    assert said["hookEventName"] == "SessionStart"
    return str(said["additionalContext"])


def instructions(root: Path, folder: Path, *names: str) -> str:
    """The instruction files of each folder from the top of the repository down to the working folder."""
    places = [root, *(place for place in reversed([folder, *folder.parents]) if root in place.parents)]
    return "\n".join(path.read_text() for place in places for name in names if (path := place / name).exists())


def each_agents_md(root: Path, folder: Path) -> str:
    """AGENTS.md of each of these folders."""
    return instructions(root, folder, "AGENTS.md")


def agents_md(root: Path, folder: Path) -> str:
    """AGENTS.md at the top of the project."""
    return instructions(root, root, "AGENTS.md")


def tools() -> list[Tool]:
    """Those of every agent that has an adapter; one that brings no `TOOLS` fails here."""
    return [tool for agent_id in adapters() for tool in _tools_of(agent_id)]


def _tools_of(agent_id: str) -> tuple[Tool, ...]:
    found: tuple[Tool, ...] = importlib.import_module(f"agents.{agent_id.replace('-', '_')}.matrix_case").TOOLS
    assert found
    return found
