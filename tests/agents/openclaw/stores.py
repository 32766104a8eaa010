"""OpenClaw's databases: what a real client wrote, and rows written as it writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from carryover.agents.openclaw.adapter import AGENT
from carryover.records.fields import utc_ms
from contract.case import Reading, Recording, read_all
from support.sqlite_client import SqliteClient, filled

FIXTURES: Final = Path(__file__).with_name("fixtures")
LATEST: Final = "2026.9.6"
PLACE: Final = "main/agent/openclaw-agent.sqlite"
RECORDED: Final = ("story", "asked", "forked")
"""The rows of each. All have one schema, here without a check whose function SQLite has only since 3.43."""


@cache
def dump(name: str) -> str:
    return (FIXTURES / LATEST / f"{name}.sql").read_text("utf-8")


def database(folder: Path, name: str) -> Path:
    """A database of the real client, below a folder of agents."""
    return filled(folder / "agents" / PLACE, dump("schema"), dump(name))


class Client(SqliteClient):
    """Writes sessions as OpenClaw does: a row for each entry."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, dump("schema"))

    def session(self, ident: str, key: str, at_ms: int, **columns: Any) -> None:
        """A new session of a key."""
        window = {"session_id": ident, "session_key": key, "created_at": at_ms, "updated_at": at_ms, **columns}
        node = {"session_key": key, "current_session_id": ident, "entry_json": "{}", "updated_at": at_ms}
        self.insert("session_nodes", node)
        self.insert("session_windows", window)
        self.insert("transcript_rewrite_watermarks", {"session_id": ident, "generation": "1", "updated_at": at_ms})
        self.db.commit()

    def add(self, session: str, line: Mapping[str, Any]) -> None:
        """An entry."""
        [(count,)] = self.db.execute("SELECT count(*) FROM transcript_events WHERE session_id = ?", (session,))
        at_ms = utc_ms(str(line["timestamp"]))
        row = {"session_id": session, "seq": count, "event_json": json.dumps(line), "created_at": at_ms}
        self.insert("transcript_events", row)
        self.db.commit()


def read(path: Path, reading: Reading | None = None) -> Reading:
    """Everything that is new in a source; nothing of it may be skipped."""
    return read_all(AGENT, Recording(path, path.parents[2]), reading)
