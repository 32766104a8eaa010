"""Claude Code in the table of handovers."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from real_agents.claude_code import client, hooked, requests
from real_agents.claude_code.messages_api import MessagesApi
from real_agents.handover.tool import Installed, Tool
from real_agents.lab.box import HOME, Box
from real_agents.lab.model_server import PORT

TOKEN: Final = "sk-ant-oat01-dummy-token-for-the-fake-server"
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
RESETS_S: Final = 5400
"""How long after a refusal the limit is over."""


class PlanApi(MessagesApi):
    """Refuses as to a subscriber. Claude Code 2.1.328 makes "You've hit your limit · resets 1:36pm (UTC)" of it.

    What the service itself sends was not recorded: these are what the client takes for it. It heeds them only with a
    plan's token; with a key it says "API Error: Request rejected (429)".
    """

    def send_json(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        super().send_json(status, value, {**(headers or {}), **(_window_used_up() if status == 429 else {})})


def _window_used_up() -> dict[str, str]:
    resets = str(int(time.time()) + RESETS_S)
    named = {
        "status": "rejected",
        "reset": resets,
        "5h-status": "rejected",
        "5h-reset": resets,
        "representative-claim": "five_hour",
        "overage-status": "rejected",
    }
    return {"retry-after": str(RESETS_S)} | {
        f"anthropic-ratelimit-unified-{name}": text for name, text in named.items()
    }


class ClaudeCode(Tool):
    id = "claude-code"
    NAME = "Claude Code"
    VERSION = client.CHOSEN[0]
    OLDEST = "2.1.328"
    API = PlanApi
    LIMIT = LIMIT
    LIMIT_RECORD = '"isApiErrorMessage":true'
    READY = hooked.READY
    COMPACTED = "Compacted"
    COMPACTED_RECORD = '"isCompactSummary":true'
    SUMMARY = ("<analysis>Prices.</analysis>\n<summary>The discount of the shop was worked on.</summary>",)
    LINE_PREFIX = r"^ *\d+[\t→]"

    def __init__(self, box: Box, installed: Installed, port: int) -> None:
        super().__init__(box, installed, port)
        box.write(STATE, json.dumps(AFTER_ONBOARDING))

    @classmethod
    def install(cls) -> Installed:
        found = client.get(cls.VERSION)
        return Installed(found.command, found.shown, (Path(found.command[0]).parent,))

    @property
    def environment(self) -> Mapping[str, str]:
        """A subscriber's: the client names the limit of a plan only there."""
        return {
            **{name: value for name, value in client.ENVIRONMENT.items() if name != "ANTHROPIC_API_KEY"},
            "ANTHROPIC_BASE_URL": client.ENVIRONMENT["ANTHROPIC_BASE_URL"].replace(f":{PORT}", f":{self.port}"),
            "CLAUDE_CODE_OAUTH_TOKEN": TOKEN,
            "CLAUDE_CODE_MAX_RETRIES": "0",
        }

    def shell(self, command: str) -> dict[str, Any]:
        return {"tool": "Bash", "input": {"command": command, "description": "Run it"}}

    def edit(self, path: Path, old: str, new: str, *, cwd: Path) -> list[Any]:
        change = {"file_path": str(path), "old_string": old, "new_string": new}
        return [self.read(path), {"tool": "Edit", "input": change}]

    def read(self, path: Path) -> dict[str, Any]:
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
        continued = ("--resume", session) if session else ()
        return (*self.installed.command, "-p", prompt, "--permission-mode", "bypassPermissions", *continued)

    def _interactive(self) -> Sequence[str]:
        return (*self.installed.command, "--permission-mode", "acceptEdits", "--allowedTools", "Bash")

    def _text(self, body: Any) -> str:
        return requests.told(body)


TOOL = ClaudeCode
