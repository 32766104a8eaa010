"""Claude Code in a box."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

from packaging.version import Version

from real_agents.claude_code.api import MessagesApi, told
from real_agents.lab.box import HOME, Box
from real_agents.lab.model_server import PORT
from real_agents.lab.packages import MACHINE, NotInstalled, from_npm
from real_agents.lab.terminal import Terminal
from real_agents.lab.tool import Installed, Tool

LATEST: Final = "2.1.329"
VERSIONS: Final = (LATEST, "2.1.328", "2.1.111", "2.0.65")
"""Newest known; that of the fixtures; before AGENTS.md was read at all (that came with 2.1.281); the last line of node
clients."""

FIRST_NATIVE: Final = "2.1.110"
"""From here on npm has packages with a native binary; before, Claude Code is a script for node."""
CTRL_C_INTERRUPTS: Final = "2.1.111"
"""In a terminal of tmux 2.0.65 takes only Escape."""
NAMES_LIMITS: Final = "2.1.328"
"""From here on the rows run with a plan's token instead of a key."""

KEY: Final = "sk-ant-dummy-key-for-the-fake-server"
TOKEN: Final = "sk-ant-oat01-dummy-token-for-the-fake-server"
SETTINGS: Final = HOME / ".claude" / "settings.json"
STATE: Final = HOME / ".claude.json"
AFTER_ONBOARDING: Final = {
    "hasCompletedOnboarding": True,
    "lastOnboardingVersion": LATEST,
    "theme": "dark",
    "numStartups": 5,
    "customApiKeyResponses": {"approved": [KEY[-20:]], "rejected": []},
}
"""`~/.claude.json` as it looks when the dialogs of the first start have been answered."""

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
    OLDEST = "2.1.328"
    API = PlanApi
    LIMIT: ClassVar[Any] = {
        "error": {"status": 429, "type": "rate_limit_error", "message": "This request would exceed your rate limit."}
    }
    LIMIT_RECORD = '"isApiErrorMessage":true'
    READY = r"(?m)^[│ ]*[❯>]"
    INTERRUPTED = "[Ii]nterrupted"
    COMPACTED = "Compacted"
    COMPACTED_RECORD = '"isCompactSummary":true'
    SUMMARY = ("<analysis>Prices.</analysis>\n<summary>The discount of the shop was worked on.</summary>",)
    LINE_PREFIX = r"^ *\d+[\t→]"

    def __init__(self, box: Box, installed: Installed, port: int = PORT) -> None:
        super().__init__(box, installed, port)
        box.write(STATE, json.dumps(AFTER_ONBOARDING))

    @classmethod
    def install(cls, version: str) -> Installed:
        if Version(version) >= Version(FIRST_NATIVE):
            folder = from_npm(f"@anthropic-ai/claude-code-linux-{MACHINE}", version)
            return Installed(version, (str(folder / "claude"),), (folder,), (folder,))
        node = shutil.which("node")
        if node is None:
            raise NotInstalled(f"Claude Code {version} runs on node: install nodejs")
        folder = from_npm("@anthropic-ai/claude-code", version)
        modules = folder.parents[1]
        return Installed(version, (node, str(folder / "cli.js")), (modules, Path(node).resolve()), (modules / ".bin",))

    @property
    def environment(self) -> Mapping[str, str]:
        """A subscriber's, since the client names the limit of a plan only there; a key for what is older. With the
        window an answer that says the context is nearly full brings on a compaction, in every model."""
        plan = Version(self.version) >= Version(NAMES_LIMITS)
        return {
            "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{self.port}",
            **({"CLAUDE_CODE_OAUTH_TOKEN": TOKEN} if plan else {"ANTHROPIC_API_KEY": KEY}),
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "CLAUDE_CODE_MAX_RETRIES": "0",
            "CLAUDE_CODE_AUTO_COMPACT_WINDOW": "100000",
        }

    def shell(self, command: str) -> dict[str, Any]:
        return {"tool": "Bash", "input": {"command": command, "description": "Run it"}}

    def edit(self, path: Path, old: str, new: str, *, cwd: Path) -> list[Any]:
        change = {"file_path": str(path), "old_string": old, "new_string": new}
        return [self.read(path), {"tool": "Edit", "input": change}]

    def write(self, path: Path, line: str, *, cwd: Path) -> dict[str, Any]:
        return {"tool": "Write", "input": {"file_path": str(path), "content": f"{line}\n"}}

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

    def interrupt(self, terminal: Terminal) -> None:
        terminal.key("C-c" if Version(self.version) >= Version(CTRL_C_INTERRUPTS) else "Escape")
        terminal.wait(self.INTERRUPTED)

    def _command(self, prompt: str, session: str | None, *options: str, fork: bool = False) -> Sequence[str]:
        continued = ("--resume", session, *(["--fork-session"] if fork else [])) if session else ()
        allowed = ("--permission-mode", "bypassPermissions")
        return (*self.installed.command, "-p", prompt, *allowed, *continued, *options)

    def _interactive(self) -> Sequence[str]:
        return (*self.installed.command, "--permission-mode", "acceptEdits", "--allowedTools", "Bash")

    def _text(self, body: Any) -> str:
        return told(body)


TOOL = ClaudeCode
