"""Copilot CLI in a box."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

from real_agents.lab.box import HOME, Box
from real_agents.lab.model_server import PORT, ChatApi, text_of
from real_agents.lab.packages import MACHINE, from_npm
from real_agents.lab.tool import Installed, Tool

LATEST: Final = "1.0.102"
VERSIONS: Final = (LATEST, "1.0.48")

COPILOT_HOME: Final = HOME / ".copilot"
ALLOWED: Final = ("--allow-all-tools", "--allow-all-paths")
OFFLINE: Final = {
    "COPILOT_OFFLINE": "true",
    "COPILOT_AUTO_UPDATE": "false",
    "COPILOT_PROVIDER_API_KEY": "dummy-key",
    "COPILOT_MODEL": ChatApi.MODEL,
}
STATE: Final = COPILOT_HOME / "config.json"
HOOKS: Final = COPILOT_HOME / "hooks"
OFF: Final = {"disableAllHooks": True}


class Completions(ChatApi):
    ASIDE = "The fruit shop was worked on."

    def of_conversation(self, body: dict[str, Any]) -> bool:
        """The summary of a compaction is asked for with these words (1.0.48, 1.0.102)."""
        users = [text_of(message.get("content")) for message in body["messages"] if message["role"] == "user"]
        order = "Please create a detailed summary of the conversation so far"
        return bool(body.get("tools")) and not (users and users[-1].lstrip().startswith(order))


class Copilot(Tool):
    id = "copilot"
    NAME = "Copilot CLI"
    RELEASED = "npm @github/copilot"
    OLDEST = "1.0.102"
    API = Completions
    LIMIT: ClassVar[Any] = {
        "error": {"status": 402, "code": "quota_exceeded", "message": "You have exceeded your monthly quota."},
    }
    LIMIT_RECORD = '"session.error"'
    RESETS = False
    KEEPS_INJECTED = False
    READY = r"(?m)^\s*❯"
    COMPACTED = "Compact"
    COMPACTED_RECORD = '"session.compaction_complete"'

    def __init__(self, box: Box, installed: Installed, port: int = PORT) -> None:
        super().__init__(box, installed, port)
        box.write(STATE, json.dumps({"trustedFolders": []}))

    @classmethod
    def install(cls, version: str) -> Installed:
        folder = from_npm(f"@github/copilot-linux-{MACHINE}", version)
        command = folder / "copilot"
        command.chmod(0o755)
        return Installed(version, (str(command),), (folder,), (folder,))

    @property
    def environment(self) -> Mapping[str, str]:
        return {**OFFLINE, "COPILOT_PROVIDER_BASE_URL": f"http://127.0.0.1:{self.port}/v1"}

    def shell(self, command: str) -> dict[str, Any]:
        return {"tool": "bash", "input": {"command": command, "description": "Run it"}}

    def edit(self, path: Path, old: str, new: str, *, cwd: Path) -> list[Any]:
        return [{"tool": "edit", "input": {"path": str(path), "old_str": old, "new_str": new}}]

    def write(self, path: Path, line: str, *, cwd: Path) -> dict[str, Any]:
        return {"tool": "create", "input": {"path": str(path), "file_text": f"{line}\n"}}

    def read(self, path: Path) -> dict[str, Any]:
        return {"tool": "view", "input": {"path": str(path)}}

    def trust(self, root: Path) -> None:
        state = self._json(STATE)
        self.box.write(STATE, json.dumps({**state, "trustedFolders": [*state["trustedFolders"], str(root)]}))

    def switch_hooks_off(self) -> None:
        """In each file of hooks: the settings' own switch is for the hooks in the settings (1.0.102)."""
        for file in self.box.here(HOOKS).glob("*.json"):
            path = HOOKS / file.name
            self.box.write(path, json.dumps({**self._json(path), **OFF}))

    def transcripts(self) -> dict[str, Path]:
        found = self.box.here(COPILOT_HOME / "session-state").glob("*/events.jsonl")
        return {path.parent.name: path for path in found}

    def _json(self, path: Path) -> dict[str, Any]:
        lines = self.box.here(path).read_text("utf-8").splitlines()
        found: dict[str, Any] = json.loads("\n".join(line for line in lines if not line.startswith("//")))
        return found

    def _command(self, prompt: str, session: str | None, *options: str, fork: bool = False) -> Sequence[str]:
        continued = (f"--resume={session}",) if session else ()
        return (*self.installed.command, "-p", prompt, *ALLOWED, *continued, *options)

    def _interactive(self) -> Sequence[str]:
        return (*self.installed.command, *ALLOWED)


TOOL = Copilot
