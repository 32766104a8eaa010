"""Qwen Code in a box. It needs a newer Node.js than others, which is fetched with it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

from real_agents.lab.box import HOME, Box
from real_agents.lab.model_server import PORT, ChatApi, text_of
from real_agents.lab.packages import MACHINE, from_npm
from real_agents.lab.tool import Installed, Tool

VERSIONS: Final = ("0.24.4",)
NODE: Final = "22.23.3"
SETTINGS_FILE: Final = HOME / ".qwen" / "settings.json"
SETTINGS: Final[dict[str, Any]] = {
    "security": {"auth": {"selectedType": "openai"}},
    "general": {"enableAutoUpdate": False, "disableAutoUpdate": True},
    "privacy": {"usageStatisticsEnabled": False},
    "telemetry": {"enabled": False},
    "ui": {"hideTips": True},
}
SHELL: Final = "run_shell_command"


ASIDE: Final = ("[SUGGESTION MODE:", "Managed memory has TWO directories")
"""The beginnings of what the client asks for itself, with the same tools (0.24.4)."""


class QwenApi(ChatApi):
    USAGE: ClassVar[dict[str, int]] = {"prompt_tokens": 40_000, "completion_tokens": 40, "total_tokens": 40_040}
    """With fewer, the client finds no use in a compaction."""

    def of_conversation(self, body: dict[str, Any]) -> bool:
        return super().of_conversation(body) and not text_of(body["messages"][-1].get("content")).startswith(ASIDE)


class QwenCode(Tool):
    id = "qwen-code"
    NAME = "Qwen Code"
    RELEASED = "npm @qwen-code/qwen-code"
    OLDEST = "0.24.4"
    API = QwenApi
    LIMIT: ClassVar[Any] = {"error": {"status": 402, "message": "You have reached your usage limit"}}
    LIMIT_RECORD = '"status_code":402'
    RESETS = False
    KEEPS_INJECTED = False
    READY = r"Type your message"
    COMPACT = "/compress"
    COMPACTED = "compressed"
    COMPACTED_RECORD = "chat_compression"
    SUMMARY = ("<state_snapshot>The work so far was summed up.</state_snapshot>",)

    def __init__(self, box: Box, installed: Installed, port: int = PORT) -> None:
        super().__init__(box, installed, port)
        box.write(SETTINGS_FILE, json.dumps(SETTINGS, indent=2) + "\n")

    @classmethod
    def install(cls, version: str) -> Installed:
        node = from_npm(f"node-linux-{MACHINE}", NODE) / "bin"
        modules = from_npm("@qwen-code/qwen-code", version).parents[1]
        command = (str(node / "node"), str(modules / "@qwen-code" / "qwen-code" / "cli.js"))
        return Installed(version, command, (modules, node.parent), (node, modules / ".bin"))

    @property
    def environment(self) -> Mapping[str, str]:
        base = f"http://127.0.0.1:{self.port}/v1"
        return {"OPENAI_API_KEY": "dummy", "OPENAI_BASE_URL": base, "OPENAI_MODEL": "fake-model", "TZ": "UTC"}

    def shell(self, command: str) -> dict[str, Any]:
        return {"tool": SHELL, "input": {"command": command, "description": "Run it", "is_background": False}}

    def edit(self, path: Path, old: str, new: str, *, cwd: Path) -> list[Any]:
        change = {"file_path": str(path), "old_string": old, "new_string": new}
        return [self.read(path), {"tool": "edit", "input": change}]

    def write(self, path: Path, line: str, *, cwd: Path) -> dict[str, Any]:
        return {"tool": "write_file", "input": {"file_path": str(path), "content": f"{line}\n"}}

    def read(self, path: Path) -> dict[str, Any]:
        return {"tool": "read_file", "input": {"file_path": str(path)}}

    def transcripts(self) -> dict[str, Path]:
        files = self.box.here(SETTINGS_FILE.parent / "projects").glob("*/chats/*.jsonl")
        return {path.stem: path for path in files}

    def switch_hooks_off(self) -> None:
        settings = json.loads(self.box.here(SETTINGS_FILE).read_text("utf-8"))
        self.box.write(SETTINGS_FILE, json.dumps({**settings, "disableAllHooks": True}, indent=2))

    def _command(self, prompt: str, session: str | None, *options: str, fork: bool = False) -> Sequence[str]:
        continued = ("--resume", session, *(["--fork-session"] if fork else [])) if session else ()
        return (*self._interactive(), *continued, *options, "-p", prompt)

    def _interactive(self) -> Sequence[str]:
        return (*self.installed.command, "--yolo")


TOOL = QwenCode
