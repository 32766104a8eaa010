"""Copilot CLI in the table of handovers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from real_agents.copilot import client, requests, work
from real_agents.copilot.chat_api import ChatApi
from real_agents.copilot.client import ALLOWED, COPILOT_HOME, OFFLINE
from real_agents.handover.tool import Installed, Tool
from real_agents.lab.box import Box

STATE: Final = COPILOT_HOME / "config.json"
"""Where the client notes what its user trusts, below lines of comment of its own."""
HOOKS: Final = COPILOT_HOME / "hooks"
OFF: Final = {"disableAllHooks": True}


class Copilot(Tool):
    id = "copilot"
    NAME = "Copilot CLI"
    VERSION = client.CHOSEN[0]
    OLDEST = "1.0.102"
    API = ChatApi
    LIMIT = work.LIMIT
    LIMIT_RECORD = '"session.error"'
    RESETS = False
    KEEPS_INJECTED = False
    READY = client.READY
    COMPACTED = "Compact"
    COMPACTED_RECORD = '"session.compaction_complete"'

    def __init__(self, box: Box, installed: Installed, port: int) -> None:
        super().__init__(box, installed, port)
        box.write(STATE, json.dumps({"trustedFolders": []}))

    @classmethod
    def install(cls) -> Installed:
        found = client.get(cls.VERSION)
        return Installed((str(found.command),), (found.shown,), (found.command.parent,))

    @property
    def environment(self) -> Mapping[str, str]:
        return {**OFFLINE, "COPILOT_PROVIDER_BASE_URL": f"http://127.0.0.1:{self.port}/v1"}

    def shell(self, command: str) -> dict[str, Any]:
        return {"shell": command}

    def edit(self, path: Path, old: str, new: str, *, cwd: Path) -> list[Any]:
        return [{"call": "edit", "arguments": {"path": str(path), "old_str": old, "new_str": new}}]

    def read(self, path: Path) -> dict[str, Any]:
        return {"call": "view", "arguments": {"path": str(path)}}

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

    def _command(self, prompt: str, session: str | None) -> Sequence[str]:
        continued = (f"--resume={session}",) if session else ()
        return (*self.installed.command, "-p", prompt, *ALLOWED, *continued)

    def _interactive(self) -> Sequence[str]:
        return (*self.installed.command, *ALLOWED)

    def _text(self, body: Any) -> str:
        return requests.told(body)


TOOL = Copilot
