"""Copilot CLI at the table of hand-overs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from real_agents.copilot import client, requests, work
from real_agents.copilot.client import ALLOWED, COPILOT_HOME, OFFLINE, Client
from real_agents.handover.model import COPILOT_PORT
from real_agents.handover.tool import Tool
from real_agents.lab.box import Box

SETTINGS: Final = COPILOT_HOME / "settings.json"
ENVIRONMENT: Final = {**OFFLINE, "COPILOT_PROVIDER_BASE_URL": f"http://127.0.0.1:{COPILOT_PORT}/v1"}
"""What the client's environment holds beside that of the box."""


class Copilot(Tool):
    id = "copilot"
    version = client.LATEST
    LIMIT = work.LIMIT
    LIMIT_RECORD = '"session.error"'
    READY = client.READY
    COMPACTED = "Compact"
    COMPACTED_RECORD = '"session.compaction_complete"'
    SUMMARY = ()

    def __init__(self, box: Box, installed: Client) -> None:
        super().__init__(box)
        self._start = ("env", *(f"{name}={value}" for name, value in ENVIRONMENT.items()), str(installed.command))
        box.write(SETTINGS, json.dumps({"trustedFolders": []}))

    def shell(self, command: str) -> dict[str, Any]:
        return {"shell": command}

    def edit(self, path: Path, old: str, new: str, *, cwd: Path) -> list[Any]:
        return [{"call": "edit", "arguments": {"path": str(path), "old_str": old, "new_str": new}}]

    def look(self, path: Path) -> dict[str, Any]:
        return {"call": "view", "arguments": {"path": str(path)}}

    def trust(self, root: Path) -> None:
        settings = self._settings()
        self._write({**settings, "trustedFolders": [*settings["trustedFolders"], str(root)]})

    def switch_hooks_off(self) -> None:
        self._write({**self._settings(), "disableAllHooks": True})

    def transcripts(self) -> dict[str, Path]:
        found = self.box.here(COPILOT_HOME / "session-state").glob("*/events.jsonl")
        return {path.parent.name: path for path in found}

    def _settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = json.loads(self.box.here(SETTINGS).read_text("utf-8"))
        return settings

    def _write(self, settings: dict[str, Any]) -> None:
        self.box.write(SETTINGS, json.dumps(settings))

    def _command(self, prompt: str, session: str | None) -> Sequence[str]:
        going_on = (f"--resume={session}",) if session else ()
        return (*self._start, "-p", prompt, *ALLOWED, *going_on)

    def _interactive(self) -> Sequence[str]:
        return (*self._start, *ALLOWED)

    def _told(self, body: Mapping[str, Any]) -> str:
        return requests.told(dict(body))
