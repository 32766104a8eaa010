"""Mistral Vibe in a box. It needs a newer Python than the tests."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

from real_agents.lab.box import HOME, Box
from real_agents.lab.model_server import PORT, ChatApi
from real_agents.lab.packages import behind, from_pypi, only_command
from real_agents.lab.tool import Installed, Tool

VERSIONS: Final = ("3.0.3", "2.26.1")
PYTHON: Final = "3.12"
SETTINGS_FILE: Final = HOME / ".vibe" / "config.toml"
SETTINGS: Final = """\
active_model = "fake"
enable_telemetry = false
enable_update_checks = false
enable_connectors = false
show_greeting = false

[[providers]]
name = "lab"
api_base = "http://127.0.0.1:{port}/v1"
api_key_env_var = ""

[[models]]
name = "fake-model"
provider = "lab"
alias = "fake"
"""
SESSIONS: Final = HOME / ".vibe" / "logs" / "session" / "unified"
PRINTED: Final = ("content", "stdout", "stderr")


class VibeApi(ChatApi):
    """What a tool returns reaches the model as JSON."""

    @staticmethod
    def told(body: dict[str, Any]) -> str:
        plain = [{**message, "content": _printed(message)} for message in body["messages"]]
        return ChatApi.told({**body, "messages": plain})


class MistralVibe(Tool):
    id = "mistral-vibe"
    NAME = "Mistral Vibe"
    RELEASED = "pypi mistral-vibe"
    OLDEST = "2.26.1"
    API = VibeApi
    ARRIVES = "pointer"
    LIMIT: ClassVar[Any] = {"error": {"status": 402, "message": "You have reached your usage limit"}}
    """A 429 is tried again for five minutes (3.0.3)."""
    LIMIT_CODE = 2
    LIMIT_RECORD = '"httpStatus":402'
    RESETS = False
    RECORDS_VERSION = False
    READY = r"tokens \(\d+%\)"
    INTERRUPTED = r"Interrupted"
    COMPACTED = r"Compaction completed"
    COMPACTED_RECORD = '"kind":"compaction"'
    SUMMARY = ("The work so far was summed up.",)

    def __init__(self, box: Box, installed: Installed, port: int = PORT) -> None:
        super().__init__(box, installed, port)
        box.write(SETTINGS_FILE, SETTINGS.format(port=port))

    @classmethod
    def install(cls, version: str) -> Installed:
        folder = from_pypi("mistral-vibe", version, any_version_of=("certifi",), python=PYTHON)
        shown = (folder, behind(folder))
        return Installed(version, (str(folder / "bin" / "vibe"),), shown, (only_command(folder, "vibe"),))

    def shell(self, command: str) -> dict[str, Any]:
        return {"tool": "bash", "input": {"command": command}}

    def edit(self, path: Path, old: str, new: str, *, cwd: Path) -> list[Any]:
        return [{"tool": "edit", "input": {"file_path": str(path), "old_string": old, "new_string": new}}]

    def write(self, path: Path, line: str, *, cwd: Path) -> dict[str, Any]:
        return {"tool": "write_file", "input": {"path": str(path), "content": f"{line}\n"}}

    def read(self, path: Path) -> dict[str, Any]:
        return {"tool": "read_file", "input": {"path": str(path)}}

    def transcripts(self) -> dict[str, Path]:
        files = self.box.here(SESSIONS).glob("*/CURRENT")
        return {path.parent.name: path for path in files if not path.parent.name.startswith("child-")}

    def recorded(self, session: str) -> str:
        """What was cut out of the states, and what was written since."""
        folder = self.transcripts()[session].parent
        files = (
            *folder.glob("generations/*/projection-state.json"),
            *folder.glob("chunks/*"),
            *folder.glob("journal/*"),
        )
        return "\n".join(path.read_text("utf-8", "replace") for path in files)

    def _command(self, prompt: str, session: str | None, *options: str, fork: bool = False) -> Sequence[str]:
        continued = ("--resume", session) if session else ()
        return (*self._interactive(), *continued, *options, "-p", prompt)

    def _interactive(self) -> Sequence[str]:
        return (*self.installed.command, "--trust", "--auto-approve")


def _printed(message: dict[str, Any]) -> Any:
    content = message.get("content") or ""
    try:
        result = json.loads(content) if message["role"] == "tool" else None
    except ValueError:
        return content
    if not isinstance(result, dict):
        return result if isinstance(result, str) else content
    return "\n".join(str(result[name]) for name in PRINTED if name in result) or content


TOOL = MistralVibe
