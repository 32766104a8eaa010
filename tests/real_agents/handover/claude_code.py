"""Claude Code at the table of hand-overs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from real_agents.claude_code import client, hooked, requests
from real_agents.claude_code.client import Client
from real_agents.handover.tool import Tool
from real_agents.lab.box import HOME, Box

TOKEN: Final = "sk-ant-oat01-dummy-token-for-the-fake-server"
ENVIRONMENT: Final = {
    **{name: value for name, value in client.ENVIRONMENT.items() if name != "ANTHROPIC_API_KEY"},
    "CLAUDE_CODE_OAUTH_TOKEN": TOKEN,
    "CLAUDE_CODE_MAX_RETRIES": "0",
}
"""A subscriber's: only to one of these the client names the limit of a plan."""
SETTINGS: Final = HOME / ".claude" / "settings.json"
STATE: Final = HOME / ".claude.json"
AFTER_ONBOARDING: Final = {
    "hasCompletedOnboarding": True,
    "lastOnboardingVersion": client.LATEST,
    "theme": "dark",
    "numStartups": 5,
}
"""`~/.claude.json` as it looks when the dialogs of the first start have been answered."""

LIMIT: Final = {
    "error": {"status": 429, "type": "rate_limit_error", "message": "This request would exceed your rate limit."}
}


class ClaudeCode(Tool):
    id = "claude-code"
    version = client.LATEST
    LIMIT = LIMIT
    LIMIT_RECORD = '"isApiErrorMessage":true'
    READY = hooked.READY
    COMPACTED = "Compacted"
    COMPACTED_RECORD = '"isCompactSummary":true'
    SUMMARY = ("<analysis>Prices.</analysis>\n<summary>The discount of the shop was worked on.</summary>",)

    def __init__(self, box: Box, installed: Client) -> None:
        super().__init__(box)
        self._client = installed
        box.write(STATE, json.dumps(AFTER_ONBOARDING))

    def shell(self, command: str) -> dict[str, Any]:
        return {"tool": "Bash", "input": {"command": command, "description": "Run it"}}

    def edit(self, path: Path, old: str, new: str, *, cwd: Path) -> list[Any]:
        change = {"file_path": str(path), "old_string": old, "new_string": new}
        return [self.look(path), {"tool": "Edit", "input": change}]

    def look(self, path: Path) -> dict[str, Any]:
        return {"tool": "Read", "input": {"file_path": str(path)}}

    def transcripts(self) -> dict[str, Path]:
        files = self.box.here(HOME / ".claude" / "projects").glob("*/*.jsonl")
        return {path.stem: path for path in files if not path.stem.startswith("agent-")}

    def trust(self, root: Path) -> None:
        state = json.loads(self.box.here(STATE).read_text("utf-8"))
        projects = state.get("projects", {})
        trusted = {**projects.get(str(root), {}), "hasTrustDialogAccepted": True}
        self.box.write(STATE, json.dumps({**state, "projects": {**projects, str(root): trusted}}))

    def switch_hooks_off(self) -> None:
        settings = json.loads(self.box.here(SETTINGS).read_text("utf-8"))
        self.box.write(SETTINGS, json.dumps({**settings, "disableAllHooks": True}))

    def _command(self, prompt: str, session: str | None) -> Sequence[str]:
        going_on = ("--resume", session) if session else ()
        return (*self._client.command, "-p", prompt, "--permission-mode", "bypassPermissions", *going_on)

    def _interactive(self) -> Sequence[str]:
        return (*self._client.command, "--permission-mode", "acceptEdits", "--allowedTools", "Bash")

    def _told(self, body: Mapping[str, Any]) -> str:
        return requests.told(dict(body))
