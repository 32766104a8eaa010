"""Kimi Code in a box. It needs a newer Node.js than others, which is fetched with it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Final

from real_agents.lab.box import HOME, Box, Terminal
from real_agents.lab.model_server import PORT, ChatApi
from real_agents.lab.packages import MACHINE, from_npm
from real_agents.lab.tool import Installed, Tool

VERSIONS: Final = ("2.1.0",)
NODE: Final = "22.23.3"
FOLDER: Final = HOME / ".kimi-code"
SETTINGS: Final = """\
default_model = "fake"
telemetry = false

[providers.lab]
type = "openai"
base_url = "http://127.0.0.1:{port}/v1"
api_key = "dummy"

[models.fake]
provider = "lab"
model = "fake-model"
max_context_size = 200000
"""


class KimiCode(Tool):
    id = "kimi-code"
    NAME = "Kimi Code"
    RELEASED = "npm @moonshot-ai/kimi-code"
    OLDEST = "2.1.0"
    API = ChatApi
    ARRIVES = "pointer"
    LIMIT: ClassVar[Any] = {"error": {"status": 402, "message": "You have reached your usage limit"}}
    LIMIT_RECORD = '"statusCode":402'
    RESETS = False
    RECORDS_VERSION = False
    RECORDS_NEW = False
    READY = r"context: |Trust this folder\?"
    INTERRUPTED = r"Interrupted by user"
    COMPACTED = r"Compaction complete"
    COMPACTED_RECORD = "context.apply_compaction"
    SUMMARY = ("The work so far was summed up.",)
    LINE_PREFIX = r"^\s*\d+\t"

    def __init__(self, box: Box, installed: Installed, port: int = PORT) -> None:
        super().__init__(box, installed, port)
        box.write(FOLDER / "config.toml", SETTINGS.format(port=port))

    @classmethod
    def install(cls, version: str) -> Installed:
        node = from_npm(f"node-linux-{MACHINE}", NODE) / "bin"
        package = from_npm("@moonshot-ai/kimi-code", version)
        modules = package.parents[1]
        command = (str(node / "node"), str(package / "dist" / "main.mjs"))
        return Installed(version, command, (modules, node.parent), (node, modules / ".bin"))

    @property
    def environment(self) -> Mapping[str, str]:
        return {"KIMI_CODE_NO_AUTO_UPDATE": "1"}

    @contextmanager
    def terminal(self, cwd: Path) -> Iterator[Terminal]:
        with super().terminal(cwd) as terminal:
            if "Trust this folder?" in terminal.screen():
                terminal.key("Enter")
                terminal.wait(r"context: ")
            yield terminal

    def shell(self, command: str) -> dict[str, Any]:
        return {"tool": "Bash", "input": {"command": command}}

    def edit(self, path: Path, old: str, new: str, *, cwd: Path) -> list[Any]:
        return [self.read(path), {"tool": "Edit", "input": {"path": str(path), "old_string": old, "new_string": new}}]

    def write(self, path: Path, line: str, *, cwd: Path) -> dict[str, Any]:
        return {"tool": "Write", "input": {"path": str(path), "content": f"{line}\n"}}

    def read(self, path: Path) -> dict[str, Any]:
        return {"tool": "Read", "input": {"path": str(path)}}

    def transcripts(self) -> dict[str, Path]:
        files = self.box.here(FOLDER / "sessions").glob("*/session_*/agents/main/wire.jsonl")
        return {path.parents[2].name: path for path in files}

    def _command(self, prompt: str, session: str | None, *options: str, fork: bool = False) -> Sequence[str]:
        continued = ("--session", session) if session else ()
        return (*self.installed.command, *continued, *options, "-p", prompt)

    def _interactive(self) -> Sequence[str]:
        return (*self.installed.command, "--auto")


TOOL = KimiCode
