"""OpenClaw in the matrix of hand-overs: rows and instruction files as 2026.9.6 has them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from agents.openclaw.stores import PLACE, Client
from agents.pi.matrix_case import PiPlayed
from carryover.records.fields import utc_ms
from matrix.tool import Tool, agents_md


class RowsPlayed(PiPlayed):
    """See `matrix.tool.Played`. Its entries are pi's."""

    def __init__(self, home: Path, folder: Path, now: datetime) -> None:
        self._database = home / ".openclaw" / "agents" / PLACE
        super().__init__(home, folder, now)
        self.path = self._database

    def run(self, command: str, output: str, exit_code: int) -> None:
        ending = f"\n\n(Command exited with code {exit_code})" if exit_code else ""
        details = {"status": "completed", "exitCode": exit_code}
        self._call("exec", {"command": command}, f"{output}{ending}", details=details)

    def _write(self, record: dict[str, Any]) -> None:
        with Client(self._database) as client:
            if record["type"] == "session":
                client.session(self.session, f"agent:main:{self.session}", utc_ms(record["timestamp"]))
            client.add(self.session, record)


TOOLS = (Tool(id="openclaw", agent="openclaw", play=RowsPlayed, reads=agents_md),)
