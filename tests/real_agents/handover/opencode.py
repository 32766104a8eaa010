"""opencode in the table of handovers."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, ClassVar, Final

from real_agents.handover.tool import Installed, Tool
from real_agents.lab.box import Box
from real_agents.lab.model_server import PORT
from real_agents.lab.terminal import Terminal
from real_agents.opencode import client, work
from real_agents.opencode.chat_api import ChatApi, told
from real_agents.opencode.client import CONFIG, DATA, OFFLINE, SETTINGS

STARTS_S: Final = 90
_RECORDS: Final = "SELECT data FROM message WHERE session_id = ?1 UNION ALL SELECT data FROM part WHERE session_id = ?1"


class Opencode(Tool):
    id = "opencode"
    NAME = "opencode"
    VERSION = client.CHOSEN[0]
    OLDEST = "1.18.33"
    API = ChatApi
    ARRIVES = "file"
    LIMIT: ClassVar[Any] = {
        "error": {"status": 402, "message": "You have reached your usage limit. It resets at 8:05 PM."}
    }
    LIMIT_CODE = 1
    LIMIT_RECORD = '"statusCode":402'
    READY = r"Ask anything|ctrl\+p commands"
    COMPACTED = "Compaction"
    COMPACTED_RECORD = '"summary":true'
    SUMMARY = ("The work so far was summed up.",)
    LINE_PREFIX = r"^\d+: "

    def __init__(self, box: Box, installed: Installed, port: int) -> None:
        super().__init__(box, installed, port)
        allowed = {"permission": {"external_directory": "allow"}}
        box.write(CONFIG, json.dumps({**SETTINGS, **allowed}).replace(f":{PORT}/", f":{port}/"))

    @classmethod
    def install(cls) -> Installed:
        found = client.get(cls.VERSION)
        return Installed((str(found.command),), (found.shown,), (found.command.parent,))

    @property
    def environment(self) -> Mapping[str, str]:
        return OFFLINE

    def shell(self, command: str) -> dict[str, Any]:
        return work.shell(command)

    def edit(self, path: Path, old: str, new: str, *, cwd: Path) -> list[Any]:
        return [work.look(str(path)), work.edit(str(path), old, new)]

    def read(self, path: Path) -> dict[str, Any]:
        return work.look(str(path))

    @contextmanager
    def terminal(self, cwd: Path) -> Iterator[Terminal]:
        """The interactive client, which takes its time to start on a busy machine."""
        with Terminal(self.box, *self._interactive(), cwd=cwd, env=self.environment) as terminal:
            terminal.wait(self.READY, timeout_s=STARTS_S)
            yield terminal

    def transcripts(self) -> dict[str, Path]:
        """All sessions are in one database."""
        path = self._database
        if not path.exists():
            return {}
        rows = self._rows("SELECT id FROM session WHERE parent_id IS NULL")
        return {session: path for (session,) in rows}

    def recorded(self, session: str) -> str:
        return "\n".join(data for (data,) in self._rows(_RECORDS, session))

    def recorded_at_s(self, session: str) -> float:
        return max(path.stat().st_mtime for path in self._database.parent.glob("opencode.db*"))

    @property
    def _database(self) -> Path:
        return self.box.here(DATA / "opencode.db")

    def _rows(self, query: str, *values: str) -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(f"file:{self._database}?mode=ro", uri=True)) as db:
            return db.execute(query, values).fetchall()

    def _command(self, prompt: str, session: str | None) -> Sequence[str]:
        continued = ("--session", session) if session else ()
        return (*self.installed.command, "run", *continued, prompt)

    def _interactive(self) -> Sequence[str]:
        return self.installed.command

    def _text(self, body: Any) -> str:
        return told(body)


TOOL = Opencode
