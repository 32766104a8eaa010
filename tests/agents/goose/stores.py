"""Goose's databases, written row by row as its public source writes them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from carryover.agents.goose.adapter import AGENT
from contract.case import Reading, Recording, read_all
from support.sqlite_client import SqliteClient

START_S: Final = 1_795_156_000
SCHEMA: Final = """
CREATE TABLE schema_version (version INTEGER PRIMARY KEY, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE sessions (id TEXT PRIMARY KEY, name TEXT NOT NULL DEFAULT '', description TEXT NOT NULL DEFAULT '',
    user_set_name BOOLEAN DEFAULT FALSE, session_type TEXT NOT NULL DEFAULT 'user', working_dir TEXT NOT NULL,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    extension_data TEXT DEFAULT '{}', total_tokens INTEGER, provider_name TEXT, model_config_json TEXT);
CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, message_id TEXT,
    session_id TEXT NOT NULL REFERENCES sessions(id), role TEXT NOT NULL, content_json TEXT NOT NULL,
    created_timestamp INTEGER NOT NULL, timestamp TIMESTAMP DEFAULT CURRENT_TIMESTAMP, tokens INTEGER,
    metadata_json TEXT);
CREATE INDEX idx_messages_session ON messages(session_id);
CREATE INDEX idx_messages_message_id ON messages(message_id);
"""
SHOWN: Final = {"userVisible": True, "agentVisible": True}
AGENT_ONLY: Final = {"userVisible": False, "agentVisible": True}


class Client(SqliteClient):
    """Writes sessions as Goose does: a row for each message, once its round is over."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, SCHEMA, wal=False)

    def session(
        self, ident: str, folder: str, name: str = "CLI Session", kind: str = "user", at_s: int = START_S
    ) -> None:
        """A new session."""
        model = json.dumps({"model_name": "fake-model"})
        times = {"created_at": timestamp(at_s), "updated_at": timestamp(at_s)}
        row = {"id": ident, "name": name, "session_type": kind, "working_dir": folder, "model_config_json": model}
        self.insert("sessions", row | times)
        self.db.commit()

    def next_session(self, day: str) -> str:
        """The id of the next session of a day."""
        count = self.db.execute("SELECT count(*) FROM sessions WHERE id LIKE ?", (f"{day}_%",)).fetchone()[0]
        return f"{day}_{count + 1}"

    def add(
        self, session: str, at_s: int, role: str, *parts: Mapping[str, Any], ident: str = "", shown: Any = SHOWN
    ) -> str:
        """A message; its id."""
        count = self.db.execute("SELECT count(*) FROM messages").fetchone()[0]
        ident = ident or f"msg_{session}_{uuid.uuid5(uuid.NAMESPACE_URL, f'{self.path}/{count}')}"
        content = {"content_json": json.dumps(parts, separators=(",", ":")), "metadata_json": json.dumps(shown)}
        times = {"created_timestamp": at_s, "timestamp": timestamp(at_s)}
        self.insert("messages", {"message_id": ident, "session_id": session, "role": role} | content | times)
        self.db.commit()
        return ident

    def say(self, session: str, at_s: int, role: str, text: str, **fields: Any) -> str:
        """A message of text alone."""
        return self.add(session, at_s, role, said(text), **fields)

    def use(self, session: str, at_s: int, name: str, given: Mapping[str, Any], result: Mapping[str, Any]) -> None:
        """A call with its result: two rows, written when the round is over."""
        ident = f"call_{session}_{at_s}"
        self.add(session, at_s, "assistant", request(ident, name, given))
        self.add(session, at_s, "user", {"type": "toolResponse", "id": ident, "toolResult": result})

    def compact(self, session: str, at_s: int, summary: str) -> None:
        """What a compaction does: all rows anew, the summary, and the last prompt once more."""
        found = self.db.execute(
            "SELECT message_id, role, content_json, created_timestamp FROM messages WHERE session_id = ? ORDER BY id",
            (session,),
        ).fetchall()
        self.db.execute("DELETE FROM messages WHERE session_id = ?", (session,))
        for ident, role, content, created in found:
            shown = {"userVisible": True, "agentVisible": False}
            self.add(session, created, role, *json.loads(content), ident=ident, shown=shown)
        self.say(session, at_s, "user", summary, shown=AGENT_ONLY)
        self.say(session, at_s, "assistant", "Your context was compacted.", shown=AGENT_ONLY)
        prompt = next(row for row in reversed(found) if row[1] == "user" and '"text"' in row[2][:20])
        self.add(session, at_s, "user", *json.loads(prompt[2]))


def timestamp(at_s: int) -> str:
    """As CURRENT_TIMESTAMP gives it."""
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M:%S}"


def said(text: str) -> dict[str, Any]:
    """A part that is text."""
    return {"type": "text", "text": text}


def request(ident: str, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """A part that calls a tool."""
    call = {"status": "success", "value": {"name": name, "arguments": given}}
    return {"type": "toolRequest", "id": ident, "toolCall": call}


def success(text: str) -> dict[str, Any]:
    """What a tool gave back."""
    return {"status": "success", "value": {"content": [said(text)], "isError": False}}


def ran(output: str, code: int) -> dict[str, Any]:
    """What a command gave back."""
    text = f"{output}\n\nCommand exited with code {code}" if code else output
    value = {
        "content": [{**said(text), "annotations": {"priority": 0.0}}],
        "structuredContent": {"stdout": output, "stderr": "", "exit_code": code},
        "isError": code != 0,
    }
    return {"status": "success", "value": value}


def read(path: Path, reading: Reading | None = None) -> Reading:
    """Everything that is new in a database; nothing of it may be skipped."""
    return read_all(AGENT, Recording(path, path.parent), reading)
