"""opencode's stores, built from what real clients wrote, and written to as a client does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeVar
from zlib import crc32

from carryover.adapter.contract import Agent
from carryover.agents.opencode.adapter import AGENT
from carryover.model import Body
from contract.case import Reading, Recording, read_all
from support.sqlite_client import SqliteClient, filled, schema_in

FIXTURES: Final = Path(__file__).with_name("fixtures")
LATEST: Final = "1.18.33"
WITHOUT_EVENTS: Final = "1.2.27"
"""Keeps no log of events."""

START_MS: Final = 1_795_156_000_000
MODEL: Final = {"providerID": "fake", "modelID": "fake-model"}


def database(folder: Path, version: str = LATEST) -> Path:
    """The database of a real client, in a data folder of its own."""
    return filled(folder / "opencode" / "opencode.db", Client.dump(version).read_text("utf-8"))


class Client(SqliteClient):
    """Writes sessions as opencode does: a row for each message and part, changed while an answer comes in."""

    def __init__(self, path: Path, version: str = LATEST, *, wal: bool = True) -> None:
        self.version = version
        super().__init__(path, schema_in(self.dump(version)), wal=wal)
        tables = ("session", "message", "part")
        self._ids = sum(self.db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables)
        self.salt = crc32(path.name.encode())

    @staticmethod
    def dump(version: str) -> Path:
        """The database of a real client, as SQL."""
        return FIXTURES / version / "sessions.sql"

    def new_id(self, kind: str) -> str:
        """Ids ascend in the order in which they are made."""
        self._ids += 1
        return f"{kind}_1f7a{self._ids:010x}{self.salt:08x}"

    def session(self, at_ms: int, directory: str, *, parent: str | None = None, title: str = "A title") -> str:
        """A new session."""
        ident = self.new_id("ses")
        self.write(
            "session",
            id=ident,
            project_id="p",
            parent_id=parent,
            slug="s",
            directory=directory,
            title=title,
            version=self.version,
            time_created=at_ms,
            time_updated=at_ms,
        )
        return ident

    def prompt(self, session: str, at_ms: int, text: str, *more: Mapping[str, Any]) -> str:
        """A message of the user."""
        ident = self.new_id("msg")
        data = {"role": "user", "time": {"created": at_ms}, "agent": "build", "model": MODEL}
        self.message(session, ident, at_ms, data)
        for part in ({"type": "text", "text": text}, *more):
            self.part(session, ident, at_ms, part)
        self.write("session", id=session, time_updated=at_ms)
        return ident

    def answer(self, session: str, at_ms: int, parent: str = "", **fields: Any) -> str:
        """A message of the model, which is still empty."""
        ident = self.new_id("msg")
        data = {"parentID": parent, "role": "assistant", "time": {"created": at_ms}, **MODEL, **fields}
        self.message(session, ident, at_ms, data)
        return ident

    def finish(self, session: str, message: str, at_ms: int, finish: str = "stop", **fields: Any) -> None:
        """The end of an answer."""
        [row] = self.db.execute("SELECT data FROM message WHERE id = ?", (message,))
        data = json.loads(row[0])
        data = {**data, "time": {**data["time"], "completed": at_ms}, "finish": finish, **fields}
        self.message(session, message, at_ms, data)

    def say(self, session: str, at_ms: int, text: str, *, finish: str = "stop", **fields: Any) -> str:
        """A whole answer that is only a text."""
        message = self.answer(session, at_ms, **fields)
        self.part(session, message, at_ms, {"type": "text", "text": text, "time": {"start": at_ms, "end": at_ms}})
        self.finish(session, message, at_ms + 1, finish)
        return message

    def call(self, session: str, at_ms: int, tool: str, given: Mapping[str, Any], **state: Any) -> str:
        """A whole answer that is only a call of a tool."""
        message = self.answer(session, at_ms)
        self.tool(session, message, at_ms, tool, given, **{"status": "completed", **state})
        self.finish(session, message, at_ms + 1, "tool-calls")
        return message

    def tool(
        self,
        session: str,
        message: str,
        at_ms: int,
        tool: str,
        given: Mapping[str, Any],
        *,
        part: str = "",
        **state: Any,
    ) -> str:
        """A call of a tool in a message; `part` is one that is written before."""
        times = {"start": at_ms} | ({"end": at_ms + 1} if state.get("status") in ("completed", "error") else {})
        data = {"input": given, "time": times, **state}
        ident = part or self.new_id("prt")
        self.part(
            session, message, at_ms, {"type": "tool", "tool": tool, "callID": f"call_{ident}", "state": data}, ident
        )
        return ident

    def message(self, session: str, ident: str, at_ms: int, data: Mapping[str, Any]) -> None:
        self.write("message", id=ident, session_id=session, time_created=at_ms, time_updated=at_ms, data=_json(data))

    def part(self, session: str, message: str, at_ms: int, data: Mapping[str, Any], ident: str = "") -> str:
        ident = ident or self.new_id("prt")
        row = {"message_id": message, "session_id": session, "time_created": at_ms, "time_updated": at_ms}
        self.write("part", id=ident, **row, data=_json(data))
        return ident

    def write(self, table: str, **row: Any) -> None:
        """Adds a row, or changes these columns of the one with that id; the time of creation stays."""
        known = self.db.execute(f"SELECT 1 FROM {table} WHERE id = ?", (row["id"],)).fetchone()
        if known:
            row.pop("time_created", None)
            columns = ", ".join(f"{name} = :{name}" for name in row)
            self.db.execute(f"UPDATE {table} SET {columns} WHERE id = :id", row)
        else:
            self.insert(table, row)
        self.db.commit()


def _json(data: Mapping[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


B = TypeVar("B", bound=Body)


def read(path: Path, root: Path | None = None, reading: Reading | None = None, *, agent: Agent = AGENT) -> Reading:
    """Everything that is new in a source; nothing of it may be skipped."""
    return read_all(agent, Recording(path, root or path.parent), reading)


def bodies(reading: Reading, kind: type[B], *, session: str | None = None, subagent_id: str | None = None) -> list[B]:
    """What of one kind happened, in the main conversation unless a sub-agent is named."""
    chosen = (e for e in reading.events if e.subagent_id == subagent_id and session in (None, e.session))
    return [event.body for event in chosen if isinstance(event.body, kind)]
