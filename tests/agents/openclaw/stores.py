"""OpenClaw's databases: what a real client wrote, and rows written as it writes them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

from carryover.agents.openclaw.adapter import AGENT
from carryover.records.fields import utc_ms
from contract.case import Reading, read_on

FIXTURES: Final = Path(__file__).with_name("fixtures")
LATEST: Final = "2026.9.6"
PLACE: Final = "main/agent/openclaw-agent.sqlite"
RECORDED: Final = ("story", "asked", "forked")
"""The rows of each. All have one schema, here without a check whose function SQLite has only since 3.43."""


def dump(name: str) -> str:
    return (FIXTURES / LATEST / f"{name}.sql").read_text("utf-8")


def database(folder: Path, name: str) -> Path:
    """A database of the real client, below a folder of agents."""
    path = folder / "agents" / PLACE
    path.parent.mkdir(parents=True)
    db = sqlite3.connect(path)
    db.execute("PRAGMA synchronous = OFF")
    db.executescript(dump("schema") + dump(name))
    db.close()
    return path


class Client:
    """Writes sessions as OpenClaw does: a row for each entry."""

    def __init__(self, path: Path) -> None:
        self.path = path
        is_new = not path.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        self.db = sqlite3.connect(path)
        self.db.execute("PRAGMA journal_mode=WAL")
        if is_new:
            self.db.executescript(dump("schema"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.db.close()

    def session(self, ident: str, key: str, at_ms: int, **columns: Any) -> None:
        """A new session of a key."""
        window = {"session_id": ident, "session_key": key, "created_at": at_ms, "updated_at": at_ms, **columns}
        node = {"session_key": key, "current_session_id": ident, "entry_json": "{}", "updated_at": at_ms}
        self._write("session_nodes", node)
        self._write("session_windows", window)
        self._write("transcript_rewrite_watermarks", {"session_id": ident, "generation": "1", "updated_at": at_ms})
        self.db.commit()

    def add(self, session: str, line: Mapping[str, Any]) -> None:
        """An entry."""
        [(count,)] = self.db.execute("SELECT count(*) FROM transcript_events WHERE session_id = ?", (session,))
        at_ms = utc_ms(str(line["timestamp"]))
        row = {"session_id": session, "seq": count, "event_json": json.dumps(line), "created_at": at_ms}
        self._write("transcript_events", row)
        self.db.commit()

    def _write(self, table: str, row: Mapping[str, Any]) -> None:
        names = ", ".join(f":{name}" for name in row)
        self.db.execute(f"INSERT OR REPLACE INTO {table} ({', '.join(row)}) VALUES ({names})", row)


def read(path: Path, reading: Reading | None = None) -> Reading:
    """Everything that is new in a source; nothing of it may be skipped."""
    source = AGENT.source_of(path, path.parents[2])
    assert source is not None
    found = read_on(AGENT, source, reading)
    assert found.skipped == []
    return found
