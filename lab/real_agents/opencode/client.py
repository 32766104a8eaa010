"""opencode in a box."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar, Final

from real_agents.lab.box import HOME, Box
from real_agents.lab.model_server import PORT, ChatApi
from real_agents.lab.packages import MACHINE, from_npm
from real_agents.lab.tool import Installed, Tool

LATEST: Final = "1.18.34"
VERSIONS: Final = (LATEST, "1.2.27")
"""Newest known; half a year older, with a database but without a log of events in it."""

DATA: Final = HOME / ".local" / "share" / "opencode"
CONFIG_DIR: Final = HOME / ".config" / "opencode"
CONFIG: Final = CONFIG_DIR / "opencode.json"

SETTINGS: Final[dict[str, Any]] = {
    "model": "fake/fake-model",
    "small_model": "fake/fake-model",
    "autoupdate": False,
    "share": "disabled",
    "provider": {
        "fake": {
            "npm": "@ai-sdk/openai-compatible",
            "name": "Fake",
            "options": {"baseURL": f"http://127.0.0.1:{PORT}/v1", "apiKey": "dummy"},
            "models": {"fake-model": {"name": "Fake", "tool_call": True, "limit": {"context": 200000, "output": 8000}}},
        }
    },
}

OFFLINE: Final = {
    "OPENCODE_DISABLE_MODELS_FETCH": "1",
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
    "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
}
"""Without these the client tries for up to a minute to reach the network."""
_RECORDS: Final = "SELECT data FROM message WHERE session_id = ?1 UNION ALL SELECT data FROM part WHERE session_id = ?1"


class Opencode(Tool):
    id = "opencode"
    NAME = "opencode"
    RELEASED = "npm opencode-linux-x64"
    OLDEST = "1.18.33"
    API = ChatApi
    ARRIVES = "file"
    LIMIT: ClassVar[Any] = {
        "error": {"status": 402, "message": "You have reached your usage limit. It resets at 8:05 PM."}
    }
    LIMIT_CODE = 1
    LIMIT_RECORD = '"statusCode":402'
    STARTS_S = 90.0
    READY = r"Ask anything|ctrl\+p commands"
    COMPACTED = "Compaction"
    COMPACTED_RECORD = '"summary":true'
    SUMMARY = ("The work so far was summed up.",)
    LINE_PREFIX = r"^\d+: "
    PACKAGE = f"opencode-linux-{MACHINE}"
    BINARY = "opencode"
    DATABASE = DATA / "opencode.db"
    CONFIG = CONFIG
    OFFLINE: ClassVar[Mapping[str, str]] = OFFLINE
    RUNS: ClassVar[Sequence[str]] = ("run",)

    def __init__(self, box: Box, installed: Installed, port: int = PORT) -> None:
        super().__init__(box, installed, port)
        allowed = {"permission": {"external_directory": "allow"}}
        box.write(self.CONFIG, json.dumps({**SETTINGS, **allowed}).replace(f":{PORT}/", f":{port}/"))

    @classmethod
    def install(cls, version: str) -> Installed:
        folder = from_npm(cls.PACKAGE, version)
        return Installed(version, (str(folder / "bin" / cls.BINARY),), (folder,), (folder / "bin",))

    @property
    def environment(self) -> Mapping[str, str]:
        return self.OFFLINE

    def shell(self, command: str) -> dict[str, Any]:
        return {"tool": "bash", "input": {"command": command, "description": "Run it"}}

    def edit(self, path: Path, old: str, new: str, *, cwd: Path) -> list[Any]:
        change = {"filePath": str(path), "oldString": old, "newString": new}
        return [self.read(path), {"tool": "edit", "input": change}]

    def write(self, path: Path, line: str, *, cwd: Path) -> dict[str, Any]:
        return {"tool": "write", "input": {"filePath": str(path), "content": f"{line}\n"}}

    def read(self, path: Path) -> dict[str, Any]:
        return {"tool": "read", "input": {"filePath": str(path)}}

    def transcripts(self) -> dict[str, Path]:
        path = self._database
        if not path.exists():
            return {}
        rows = self._rows("SELECT id FROM session WHERE parent_id IS NULL")
        return {session: path for (session,) in rows}

    def recorded(self, session: str) -> str:
        return "\n".join(data for (data,) in self._rows(_RECORDS, session))

    def recorded_at_s(self, session: str) -> float:
        return max(path.stat().st_mtime for path in self._database.parent.glob(f"{self.DATABASE.name}*"))

    @property
    def _database(self) -> Path:
        return self.box.here(self.DATABASE)

    def _rows(self, query: str, *values: str) -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(f"file:{self._database}?mode=ro", uri=True)) as db:
            return db.execute(query, values).fetchall()

    def _command(self, prompt: str, session: str | None, *options: str, fork: bool = False) -> Sequence[str]:
        continued = ("--session", session, *(["--fork"] if fork else [])) if session else ()
        return (*self.installed.command, *self.RUNS, *continued, *options, prompt)

    def _interactive(self) -> Sequence[str]:
        return self.installed.command


TOOL = Opencode
