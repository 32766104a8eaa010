"""pi in a box. It needs a newer Node.js than others, which is fetched with it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

from real_agents.lab.box import HOME, Box
from real_agents.lab.model_server import PORT, ChatApi
from real_agents.lab.packages import MACHINE, from_npm
from real_agents.lab.tool import Installed, Tool

VERSIONS: Final = ("1.6.0",)
NODE: Final = "22.23.3"
FOLDER: Final = HOME / ".pi" / "agent"
SETTINGS: Final[dict[str, Any]] = {
    "defaultProvider": "lab",
    "defaultModel": "fake-model",
    "compaction": {"keepRecentTokens": 10},  # else there is nothing to compact in a short session
}
MODEL: Final[dict[str, Any]] = {
    "id": "fake-model",
    "name": "fake",
    "reasoning": False,
    "input": ["text"],
    "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0},
    "contextWindow": 128000,
    "maxTokens": 16000,
}


class Pi(Tool):
    id = "pi"
    NAME = "pi"
    RELEASED = "npm @earendil-works/pi-coding-agent"
    OLDEST = "1.5.2"
    API = ChatApi
    KEEPS_INJECTED = False
    LIMIT: ClassVar[Any] = {"error": {"status": 402, "message": "You have reached your usage limit"}}
    LIMIT_RECORD = '"errorMessage":"402'
    RESETS = False
    RECORDS_VERSION = False
    RECORDS_NEW = False
    CLEAR = "/new"
    LISTED = ("carryover.js",)
    READY = r"fake-model"
    INTERRUPTED = r"aborted"
    COMPACTED = r"[Cc]ompacted"
    COMPACTED_RECORD = '"type":"compaction"'

    def __init__(self, box: Box, installed: Installed, port: int = PORT) -> None:
        super().__init__(box, installed, port)
        self._options: tuple[str, ...] = ()
        provider = {
            "baseUrl": f"http://127.0.0.1:{port}/v1",
            "api": "openai-completions",
            "apiKey": "dummy",
            "models": [MODEL],
        }
        box.write(FOLDER / "settings.json", json.dumps(SETTINGS, indent=2) + "\n")
        box.write(FOLDER / "models.json", json.dumps({"providers": {"lab": provider}}, indent=2) + "\n")

    @classmethod
    def install(cls, version: str) -> Installed:
        node = from_npm(f"node-linux-{MACHINE}", NODE) / "bin"
        package = from_npm("@earendil-works/pi-coding-agent", version, only=("jiti@2.7.0",))
        command = (str(node / "node"), str(package / "dist" / "bundle" / "cli.js"))
        return Installed(version, command, (package.parents[1], node.parent), (node,))

    def shell(self, command: str) -> dict[str, Any]:
        return {"tool": "bash", "input": {"command": command}}

    def edit(self, path: Path, old: str, new: str, *, cwd: Path) -> list[Any]:
        return [{"tool": "edit", "input": {"path": str(path), "edits": [{"oldText": old, "newText": new}]}}]

    def write(self, path: Path, line: str, *, cwd: Path) -> dict[str, Any]:
        return {"tool": "write", "input": {"path": str(path), "content": f"{line}\n"}}

    def read(self, path: Path) -> dict[str, Any]:
        return {"tool": "read", "input": {"path": str(path)}}

    def transcripts(self) -> dict[str, Path]:
        files = self.box.here(FOLDER / "sessions").glob("*/*.jsonl")
        return {path.stem.partition("_")[2]: path for path in files}

    def _command(self, prompt: str, session: str | None, *options: str, fork: bool = False) -> Sequence[str]:
        continued = ("--fork" if fork else "--session", session) if session else ()
        return (*self._interactive(), *continued, *options, "-p", prompt)

    def _interactive(self) -> Sequence[str]:
        return (*self.installed.command, *self._options)

    def switch_hooks_off(self) -> None:
        self._options = ("--no-extensions",)


TOOL = Pi
