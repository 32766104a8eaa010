"""Continue's terminal client in a box. It needs Node.js, which is fetched with it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

from real_agents.lab.box import HOME, Box
from real_agents.lab.model_server import PORT, ChatApi
from real_agents.lab.packages import MACHINE, from_npm
from real_agents.lab.tool import Ability, Installed, Tool

VERSIONS: Final = ("1.5.47",)
NODE: Final = "22.23.3"
FOLDER: Final = HOME / ".continue"
CONFIG: Final = """\
name: lab
version: 0.0.1
schema: v1
models:
  - name: fake
    provider: openai
    model: fake-model
    apiKey: dummy
    apiBase: http://127.0.0.1:{port}/v1
    roles: [chat, edit, apply]
"""
UNWRITTEN: Final = "a run without a terminal writes its session only when its turn has ended well"


class Continue(Tool):
    id = "continue-dev"
    NAME = "Continue"
    RELEASED = "npm @continuedev/cli"
    OLDEST = "1.5.47"
    API = ChatApi
    ARRIVES = "pointer"
    CANNOT: ClassVar[Mapping[Ability, str]] = {
        "limit": "it does not record why a turn failed",
        "killed": UNWRITTEN,
    }
    LIMIT: ClassVar[Any] = {"error": {"status": 402, "message": "You have reached your usage limit"}}
    LIMIT_RECORD = ""
    RESETS = False
    RECORDS_RUNNING = False
    RECORDS_VERSION = False
    RECORDS_NEW = False
    READY = r"Ask anything"
    INTERRUPTED = r"[Ii]nterrupted|Ask anything"
    COMPACTED = r"compacted"
    COMPACTED_RECORD = "conversationSummary"
    SUMMARY = ("The work so far was summed up.",)

    def __init__(self, box: Box, installed: Installed, port: int = PORT) -> None:
        super().__init__(box, installed, port)
        box.write(FOLDER / "config.yaml", CONFIG.format(port=port))
        box.write(FOLDER / ".onboarding_complete", "")

    @classmethod
    def install(cls, version: str) -> Installed:
        node = from_npm(f"node-linux-{MACHINE}", NODE) / "bin"
        modules = from_npm("@continuedev/cli", version).parents[1]
        command = (str(node / "node"), str(modules / "@continuedev" / "cli" / "dist" / "cn.js"))
        return Installed(version, command, (modules, node.parent), (node, modules / ".bin"))

    @property
    def environment(self) -> Mapping[str, str]:
        return {"CONTINUE_TELEMETRY_ENABLED": "0", "CONTINUE_CLI_AUTO_UPDATED": "true", "TZ": "UTC"}

    def shell(self, command: str) -> dict[str, Any]:
        return {"tool": "Bash", "input": {"command": command}}

    def edit(self, path: Path, old: str, new: str, *, cwd: Path) -> list[Any]:
        change = {"file_path": str(path), "old_string": old, "new_string": new}
        return [self.read(path), {"tool": "Edit", "input": change}]

    def write(self, path: Path, line: str, *, cwd: Path) -> dict[str, Any]:
        return {"tool": "Write", "input": {"filepath": str(path), "content": f"{line}\n"}}

    def read(self, path: Path) -> dict[str, Any]:
        return {"tool": "Read", "input": {"filepath": str(path)}}

    def transcripts(self) -> dict[str, Path]:
        files = self.box.here(FOLDER / "sessions").glob("????????-*.json")
        return {path.stem: path for path in files}

    def recorded(self, session: str) -> str:
        """Returns a session as JSON of one form; empty while the client writes it."""
        try:
            return json.dumps(json.loads(super().recorded(session)), ensure_ascii=False)
        except ValueError:
            return ""

    def _command(self, prompt: str, session: str | None, *options: str, fork: bool = False) -> Sequence[str]:
        """Resumes the session that was written last: no option takes the id of another one."""
        continued = (("--fork", session) if fork else ("--resume",)) if session else ()
        return (*self._interactive(), *continued, *options, "-p", prompt)

    def _interactive(self) -> Sequence[str]:
        return (*self.installed.command, "--auto")


TOOL = Continue
