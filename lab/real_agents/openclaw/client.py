"""OpenClaw in a box: one turn of its own agent, without a gateway. It needs a newer Node.js than others."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

from real_agents.lab.box import HOME, Box, Started
from real_agents.lab.model_server import PORT, ChatApi
from real_agents.lab.packages import MACHINE, from_npm
from real_agents.lab.tool import Installed, Tool, Turn

VERSIONS: Final = ("2026.9.6",)
NODE: Final = "26.12.1"
FOLDER: Final = HOME / ".openclaw"
DATABASE: Final = FOLDER / "agents" / "main" / "agent" / "openclaw-agent.sqlite"
MODEL: Final[dict[str, Any]] = {
    "id": "fake-model",
    "name": "fake",
    "reasoning": False,
    "input": ["text"],
    "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0},
    "contextWindow": 128000,
    "maxTokens": 8000,
}
NO_TERMINAL: Final = "its terminal client needs a gateway"


class OpenClaw(Tool):
    id = "openclaw"
    NAME = "OpenClaw"
    RELEASED = "npm openclaw"
    OLDEST = "2026.9.6"
    API = ChatApi
    ARRIVES = "pointer"
    CANNOT: ClassVar[Any] = dict.fromkeys(("terminal", "compacted", "closed"), NO_TERMINAL)
    LIMIT: ClassVar[Any] = {"error": {"status": 402, "message": "You have reached your usage limit"}}
    LIMIT_RECORD = '"errorMessage":"402'
    RESETS = False
    RECORDS_VERSION = False
    RUNS_S = 300.0

    def __init__(self, box: Box, installed: Installed, port: int = PORT) -> None:
        super().__init__(box, installed, port)
        self._turns = 0
        self._provider = {
            "baseUrl": f"http://127.0.0.1:{port}/v1",
            "api": "openai-completions",
            "apiKey": "dummy",
            "models": [MODEL],
        }

    @classmethod
    def install(cls, version: str) -> Installed:
        node = from_npm(f"node-linux-{MACHINE}", NODE) / "bin"
        package = from_npm("openclaw", version)
        # Its first start would run the package's scripts, but the disk is read-only.
        (package / ".openclaw-lifecycle-pending").unlink(missing_ok=True)
        command = (str(node / "node"), str(package / "openclaw.mjs"))
        modules = package.parents[0]
        return Installed(version, command, (modules, node.parent), (node, modules / ".bin"))

    @property
    def environment(self) -> Mapping[str, str]:
        return {
            "OPENCLAW_NO_RESPAWN": "1",  # else another process does the work, and goes on where this one is killed
            "PIP_BREAK_SYSTEM_PACKAGES": "1",  # its shell has the system's pip, which else refuses before it looks
        }

    def turn(self, cwd: Path, prompt: str, *replies: Any, **given: Any) -> Turn:
        self._work_in(cwd)
        return super().turn(cwd, prompt, *replies, **given)

    def start(self, cwd: Path, prompt: str, *replies: Any, session: str | None = None) -> Started:
        self._work_in(cwd)
        return super().start(cwd, prompt, *replies, session=session)

    def _work_in(self, root: Path) -> None:
        """Writes the settings: it works in the folder that they name, wherever it is started."""
        defaults = {"model": {"primary": "lab/fake-model"}, "workspace": str(root), "skipBootstrap": True}
        settings = {
            "models": {"mode": "merge", "providers": {"lab": self._provider}},
            "agents": {"defaults": defaults},
            "tools": {"toolSearch": {"enabled": False}},
        }
        self.box.write(FOLDER / "openclaw.json", json.dumps(settings, indent=2) + "\n")

    def shell(self, command: str) -> dict[str, Any]:
        return {"tool": "exec", "input": {"command": command}}

    def edit(self, path: Path, old: str, new: str, *, cwd: Path) -> list[Any]:
        return [{"tool": "edit", "input": {"path": str(path), "edits": [{"oldText": old, "newText": new}]}}]

    def write(self, path: Path, line: str, *, cwd: Path) -> dict[str, Any]:
        return {"tool": "write", "input": {"path": str(path), "content": f"{line}\n"}}

    def read(self, path: Path) -> dict[str, Any]:
        return {"tool": "read", "input": {"path": str(path)}}

    def transcripts(self) -> dict[str, Path]:
        path = self.box.here(DATABASE)
        rows = self._rows("SELECT DISTINCT session_id FROM transcript_events") if path.exists() else []
        return {ident: path for (ident,) in rows}

    def recorded(self, session: str) -> str:
        rows = self._rows("SELECT event_json FROM transcript_events WHERE session_id = ? ORDER BY seq", session)
        return "\n".join(text for (text,) in rows if text is not None)

    def recorded_at_s(self, session: str) -> float:
        return max(path.stat().st_mtime for path in self.box.here(DATABASE).parent.glob(f"{DATABASE.name}*"))

    def _rows(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        with sqlite3.connect(f"file:{self.box.here(DATABASE)}?mode=ro", uri=True) as db:
            return db.execute(query, values).fetchall()

    def _command(self, prompt: str, session: str | None, *options: str, fork: bool = False) -> Sequence[str]:
        self._turns += 1
        named = ("--session-id", session) if session else ("--session-key", f"agent:main:turn-{self._turns}")
        return (*self._interactive(), "agent", "--local", *named, *options, "--message", prompt)

    def _interactive(self) -> Sequence[str]:
        return self.installed.command


TOOL = OpenClaw
