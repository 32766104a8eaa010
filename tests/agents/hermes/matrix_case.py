"""Hermes Agent in the matrix of hand-overs: rows and instruction files as 0.19.0 has them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from agents.hermes.stores import Client
from matrix.tool import Ending, Tool, agents_md, diff_of

LIMIT = {
    "type": "APIStatusError",
    "message": "Error code: 402 - {'error': {'message': 'You have reached your usage limit'}}",
    "status_code": 402,
    "body": {"message": "You have reached your usage limit"},
}
SUMMARY = "[CONTEXT COMPACTION — REFERENCE ONLY] Earlier turns were compacted. avoid repeating it:\nThe discount."


class RowsPlayed:
    """See `matrix.tool.Played`."""

    def __init__(self, home: Path, folder: Path, now: datetime) -> None:
        self._path = home / ".hermes" / "state.db"
        self._at_s = now.timestamp()
        self.session = f"{now:%Y%m%d_%H%M%S}_{now.microsecond:06x}"
        with Client(self._path) as client:
            client.session(self.session, self._at_s, str(folder.resolve()))

    def prompt(self, text: str) -> None:
        self._say("user", text)

    def edit(self, path: Path, old: str, new: str) -> None:
        diff = diff_of(path, old, new, f"a/{path}", f"b/{path}")
        given = {"mode": "replace", "path": str(path), "old_string": old, "new_string": new}
        self._call("patch", given, {"success": True, "diff": diff, "files_modified": [str(path)]})

    def run(self, command: str, output: str, exit_code: int) -> None:
        self._call("terminal", {"command": command}, {"output": output, "exit_code": exit_code, "error": None})

    def say(self, text: str) -> None:
        self._say("assistant", text, finish_reason="stop")

    def end(self, how: Ending) -> None:
        with Client(self._path) as client:
            if how == "limit":
                client.fail(self.session, self._next(), LIMIT)
            elif how == "killed":
                client.call(self.session, self._next(), "terminal", {"command": "sleep 600"})
            elif how == "compacted":
                client.db.execute("UPDATE messages SET active = 0, compacted = 1 WHERE session_id = ?", (self.session,))
                client.say(self.session, self._next(), "assistant", SUMMARY)

    def _call(self, name: str, given: dict[str, Any], result: dict[str, Any]) -> None:
        with Client(self._path) as client:
            call = client.call(self.session, self._next(), name, given)
            client.result(self.session, self._next(), name, call, result)

    def _say(self, role: str, text: str, **columns: Any) -> None:
        with Client(self._path) as client:
            client.say(self.session, self._next(), role, text, **columns)

    def _next(self) -> float:
        self._at_s += 1.5
        return self._at_s


TOOLS = (Tool(id="hermes", agent="hermes", play=RowsPlayed, reads=agents_md),)
