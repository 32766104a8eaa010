"""Hermes Agent's databases: what a real client wrote, and rows written as it writes them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from carryover.agents.hermes.adapter import AGENT
from carryover.model import Body
from contract.case import Reading, Recording, read_all
from support.sqlite_client import SqliteClient, filled, schema_in

FIXTURES: Final = Path(__file__).with_name("fixtures")
LATEST: Final = "0.19.0"
RECORDED: Final = ("story", "tui")
START_S: Final = 1_795_156_000.0
DUMPED_S: Final = 1_795_405_391.147
"""When the failed request of the story was dumped; a checkout does not keep a file's time."""


def database(folder: Path, name: str) -> Path:
    """A database of the real client, with the failed requests beside it, in a folder of its own."""
    recorded = FIXTURES / LATEST / name
    path = filled(folder / "hermes" / "state.db", (recorded / "state.sql").read_text("utf-8"))
    (path.parent / "sessions").mkdir()
    for dump in recorded.glob("request_dump_*.json"):
        copy = path.parent / "sessions" / dump.name
        copy.write_bytes(dump.read_bytes())
        os.utime(copy, (DUMPED_S, DUMPED_S))
    return path


class Client(SqliteClient):
    """Writes sessions as Hermes Agent does: a row for each message, once it is complete."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, schema_in(FIXTURES / LATEST / "story" / "state.sql"))

    def session(self, ident: str, at_s: float, cwd: str | None, **columns: Any) -> None:
        """A new session."""
        row = {"id": ident, "source": "cli", "cwd": cwd, "model": "fake-model", "started_at": at_s, **columns}
        self.write("sessions", row)

    def say(self, session: str, at_s: float, role: str, content: str, **columns: Any) -> None:
        """A message."""
        row = {"session_id": session, "role": role, "content": content, "timestamp": at_s, **columns}
        self.write("messages", row)

    def call(self, session: str, at_s: float, name: str, given: Mapping[str, Any], text: str = "") -> str:
        """A message of the model that calls a tool; the id of the call."""
        ident = f"call_{session}_{round(at_s * 1000):x}"
        function = {"name": name, "arguments": json.dumps(given)}
        calls = [{"id": ident, "call_id": ident, "type": "function", "function": function}]
        self.say(session, at_s, "assistant", text, tool_calls=json.dumps(calls), finish_reason="tool_calls")
        return ident

    def result(self, session: str, at_s: float, name: str, call: str, result: Mapping[str, Any]) -> None:
        """What a call gave back."""
        self.say(session, at_s, "tool", json.dumps(result), tool_name=name, tool_call_id=call)

    def fail(self, session: str, at_s: float, error: Mapping[str, Any]) -> None:
        """A request that failed for good."""
        path = (
            self.path.parent / "sessions" / f"request_dump_{session}_20261120_120000_{round(at_s) % 1_000_000:06}.json"
        )
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"session_id": session, "reason": "non_retryable_client_error", "error": error}))
        os.utime(path, (at_s, at_s))

    def write(self, table: str, row: Mapping[str, Any]) -> None:
        self.insert(table, row)
        self.db.commit()


def read(path: Path, reading: Reading | None = None) -> Reading:
    """Everything that is new in a database; nothing of it may be skipped."""
    return read_all(AGENT, Recording(path, path.parent), reading)


def bodies(reading: Reading, kind: type[Body], session: str | None = None) -> list[Any]:
    """What of one kind happened in the main conversations, or in that of one session."""
    chosen = (event for event in reading.events if event.subagent_id is None and session in (None, event.session))
    return [event.body for event in chosen if isinstance(event.body, kind)]
