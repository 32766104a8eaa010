"""Conversations as Cascade would leave them: what it hands to hooks, what the spool keeps of it, and transcripts.

Synthetic, written after reports, because Windsurf needs an account to run: `src/carryover_windsurf/FACTS.md`.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from carryover.model import AssistantMessage, Event, UserPrompt
from carryover.transcript.spooled import spool_line
from carryover_windsurf.adapter import AGENT
from contract.case import Reading, Recording, read_on, source_at

PROJECT: Final = "/home/dev/demo"
START: Final = datetime(2026, 3, 2, 9, 0, 0, tzinfo=UTC)
MODEL: Final = "Test Model"
FAILED: Final = """F
FAIL: test_add (tests.test_calc.T.test_add)
AssertionError: 2 != 3

Ran 1 test in 0.002s

FAILED (failures=1)
"""


def uid(*parts: object) -> str:
    """The same id for the same parts, in every run."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(map(str, parts))))


def payload(
    event: str, *, talk: str = "one", turn: object = 1, at: datetime = START, project: str = PROJECT, **info: Any
) -> bytes:
    """What is handed to a hook. `info`: what the event is about, else an example."""
    given = {
        "agent_action_name": event,
        "trajectory_id": uid(talk),
        "execution_id": uid(talk, turn),
        "timestamp": stamp(at),
        "model_name": MODEL,
        "tool_info": info or EXAMPLES[event],
    }
    return json.dumps(given).encode()


def stamp(at: datetime) -> str:
    """A time as payloads and rows have it."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "pre_user_prompt": {"user_prompt": "The add function in src/calc.py is wrong. Fix it and run the tests."},
    "post_write_code": {
        "file_path": f"{PROJECT}/src/calc.py",
        "edits": [{"old_string": "    return a - b\n", "new_string": "    return a + b\n"}],
    },
    "post_run_command": {"command_line": "python3 -m unittest tests.test_calc", "cwd": PROJECT},
    "post_cascade_response": {"response": "### Planner Response\n\nIt still fails (2 != 3). Should I go on?"},
    "post_cascade_response_with_transcript": {"transcript_path": f"/home/dev/.windsurf/transcripts/{uid('one')}.jsonl"},
    "post_setup_worktree": {"worktree_path": "/home/dev/trees/demo-1", "root_workspace_path": PROJECT},
}


@dataclass
class Talk:
    """A conversation that grows step by step: its hook calls so far, and its transcript as it would be now."""

    name: str = "one"
    project: str = PROJECT
    now: datetime = START
    step: timedelta = timedelta(seconds=20)
    calls: list[tuple[str, bytes, datetime]] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    turn: int = 0

    @property
    def id(self) -> str:
        return uid(self.name)

    def prompt(self, text: str) -> None:
        self.turn += 1
        self.call("pre_user_prompt", user_prompt=text)
        self.row("user_input", user_response=text)

    def edit(self, path: str, old: str, new: str) -> None:
        self.call("post_write_code", file_path=path, edits=[{"old_string": old, "new_string": new}])
        self.row("code_action", path=path, new_content=new)

    def fail(self, path: str) -> None:
        """An edit that could not be made: no event comes after it."""
        self.row("code_action", "error", path=path, new_content="x")

    def run(self, command: str, output: str, exit_code: int) -> None:
        self.call("post_run_command", command_line=command, cwd=self.project)
        self.row("run_command", command_line=command, cwd=self.project, exit_code=exit_code, output=output)

    def say(self, text: str) -> None:
        """What ends the turn, without a transcript being named."""
        self.row("planner_response", response=text)
        self.call("post_cascade_response", response=f"### Planner Response\n\n{text}")

    def name_transcript(self, path: Path) -> None:
        self.call("post_cascade_response_with_transcript", transcript_path=str(path))

    def call(self, event: str, **info: Any) -> None:
        self.now += self.step
        data = payload(event, talk=self.name, turn=self.turn, at=self.now, project=self.project, **info)
        self.calls.append((event, data, self.now))

    def row(self, kind: str, status: str = "done", **data: Any) -> None:
        self.rows.append({"type": kind, "status": status, kind: data})

    def spooled(self) -> bytes:
        """The file of the spool."""
        return b"".join(line(event, data, at, cwd=self.project) for event, data, at in self.calls)

    def transcript(self) -> bytes:
        return rows_as_file(self.rows)


def line(event: str, data: bytes, at: datetime = START, *, cwd: str | None = PROJECT) -> bytes:
    """A line of the spool; the call arrives 50 ms after the time in its payload."""
    kept = spool_line(event, data, at_ms=int(at.timestamp() * 1000) + 50, cwd=cwd)
    assert kept is not None
    return kept


def rows_as_file(rows: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def worked(name: str = "one", project: str = PROJECT) -> Talk:
    """One turn with an edit and a test that fails, and a question at its end."""
    talk = Talk(name, project)
    talk.prompt("The add function in src/calc.py is wrong. Fix it and run the tests.")
    talk.row("planner_response", "canceled", response="CANCELED text, must not be reported")
    talk.edit(f"{project}/src/calc.py", "    return a - b\n", "    return a * b\n")
    talk.fail(f"{project}/src/missing.py")
    talk.run("python3 -m unittest tests.test_calc", FAILED, 1)
    talk.say("test_add still fails (2 != 3). Should I switch it to plain addition?")
    return talk


def spool_of(state: Path) -> Path:
    return state / "spool" / "windsurf"


def transcripts_of(home: Path) -> Path:
    return home / ".windsurf" / "transcripts"


def put(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


class Store:
    """A home folder with a state folder in it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.reading: Reading | None = None

    def transcript(self, talk: Talk) -> Path:
        """Writes the transcript as it would be now."""
        return put(transcripts_of(self.home) / f"{talk.id}.jsonl", talk.transcript())

    def read(self, talk: Talk, *, data: bytes | None = None) -> list[Event]:
        """What counts of a conversation once its spool was read on."""
        root = spool_of(self.home / ".carryover")
        path = put(root / f"{talk.id}.jsonl", talk.spooled() if data is None else data)
        self.reading = read_on(AGENT, source_at(AGENT, Recording(path, root)), self.reading)
        return in_order(self.reading.events)


def in_order(events: Iterable[Event]) -> list[Event]:
    return sorted(events, key=lambda event: event.at_ms)


def texts_of(events: Iterable[Event]) -> list[str]:
    """Prompts and answers, in the order of their times."""
    return [event.body.text for event in events if isinstance(event.body, UserPrompt | AssistantMessage)]
