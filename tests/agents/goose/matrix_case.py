"""Goose in the matrix of hand-overs: rows and instruction files as its public source has them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from zlib import crc32

from agents.goose.stores import Client, ran, success, timestamp
from carryover.model import session_in_other_cwd
from carryover.records.fields import digest
from matrix.tool import Ending, Tool, agents_md


class RowsPlayed:
    """See `matrix.tool.Played`."""

    def __init__(self, home: Path, folder: Path, now: datetime) -> None:
        self._path = home / ".local/share/goose/sessions/sessions.db"
        self._at_s = int(now.timestamp())
        with Client(self._path) as client:
            self._ident = client.next_session(f"{now:%Y%m%d}")
            # Machines count alike, but do not begin in the same second.
            begun_s = self._at_s - crc32(str(home).encode()) % 20
            client.session(self._ident, str(folder.resolve()), at_s=begun_s)
        self.session = session_in_other_cwd(self._ident, digest(timestamp(begun_s))[:8])

    def prompt(self, text: str) -> None:
        self._say("user", text)

    def edit(self, path: Path, old: str, new: str) -> None:
        given = {"path": str(path), "before": old, "after": new}
        self._use("edit", given, success(f"Edited {path} (1 lines -> 1 lines)"))

    def run(self, command: str, output: str, exit_code: int) -> None:
        self._use("developer__shell", {"command": command}, ran(output, exit_code))

    def say(self, text: str) -> None:
        self._say("assistant", text)

    def end(self, how: Ending) -> None:
        """A limit and a killed command leave no row: a round is written when it is over."""
        if how == "compacted":
            with Client(self._path) as client:
                client.compact(self._ident, self._next(), "The discount.")

    def _say(self, role: str, text: str) -> None:
        with Client(self._path) as client:
            client.say(self._ident, self._next(), role, text)

    def _use(self, name: str, given: dict[str, Any], result: dict[str, Any]) -> None:
        with Client(self._path) as client:
            client.use(self._ident, self._next(), name, given, result)

    def _next(self) -> int:
        self._at_s += 1
        return self._at_s


TOOLS = (Tool(id="goose", agent="goose", play=RowsPlayed, reads=agents_md),)
