"""Claude Code in a box: get it, start it, see what it sent to the model and what it wrote."""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from real_agents.claude_code.requests import told
from real_agents.lab import npm, product
from real_agents.lab.box import HOME, OUT, Box, Ran
from real_agents.lab.model_server import PORT

LATEST: Final = "2.1.329"
VERSIONS: Final = (LATEST, "2.1.328", "2.1.111", "2.0.65")
"""Newest known; that of the fixtures; before AGENTS.md was read at all (that came with 2.1.281); the last line of node
clients."""

CHOSEN: Final = tuple(os.environ.get("CARRYOVER_CLAUDE_CODE", "").split()) or VERSIONS
"""The versions that rows run with."""

FIRST_NATIVE: Final = "2.1.110"
"""From here on npm has packages with a native binary; before, Claude Code is a script for node."""

KEY: Final = "sk-ant-dummy-key-for-the-fake-server"
ENVIRONMENT: Final = {
    "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{PORT}",
    "ANTHROPIC_API_KEY": KEY,
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
}
PROJECT: Final = HOME / "shop"
HANDOFF: Final = "# [CARRYOVER] Last updated 2026-01-02T03:04:05Z from codex\nTHE-HANDOFF\n"


@dataclass(frozen=True, slots=True)
class Client:
    """An installed client: how to start it, and the folders that a box must show for that."""

    version: str
    command: tuple[str, ...]
    shown: tuple[Path, ...]


def get(version: str) -> Client:
    """The client of that version, fetched on first use. Raises npm.NotInstalled."""
    if at_least(version, FIRST_NATIVE):
        machine = {"x86_64": "x64", "aarch64": "arm64"}[platform.machine()]
        folder = npm.installed(f"@anthropic-ai/claude-code-linux-{machine}", version)
        return Client(version, (str(folder / "claude"),), (folder,))
    node = shutil.which("node")
    if node is None:
        raise npm.NotInstalled(f"Claude Code {version} runs on node: install nodejs")
    folder = npm.installed("@anthropic-ai/claude-code", version)
    return Client(version, (node, str(folder / "cli.js")), (folder, Path(node).resolve()))


def at_least(version: str, first: str) -> bool:
    """Whether `version` is `first` or a later one."""
    numbers = [tuple(map(int, text.split("."))) for text in (version, first)]
    return numbers[0] >= numbers[1]


class ClaudeBox:
    """A box with one client, the fake Messages API and a project, `/home/dev/shop`, that is a git repository."""

    def __init__(self, box: Box, client: Client) -> None:
        self.box = box
        self.client = client
        box.write(HOME / ".gitconfig", "[user]\n\tname = Dev\n\temail = dev@example.com\n")
        box.write(HOME / ".claude.json", json.dumps(_after_onboarding()))
        server = box.start(product.PYTHON, "-m", "real_agents.claude_code.messages_api", str(OUT))
        if server.line() != "ready":
            raise RuntimeError("the fake Messages API did not start")

    def make_project(self, files: dict[str, str], root: Path = PROJECT) -> None:
        """The project with these files, committed."""
        for name, text in files.items():
            self.box.write(root / name, text)
        self.box.must("git", "init", "-q", "-b", "main", cwd=root)
        self.box.must("git", "add", "-A", cwd=root)
        self.box.must("git", "commit", "-q", "--allow-empty", "-m", "start", cwd=root)

    def publish(self, root: Path = PROJECT, text: str = HANDOFF) -> None:
        """Carryover's publisher, run as the user in the box, brings `text` into the project at `root`."""
        self.box.must(product.PYTHON, "-m", "real_agents.lab.publish_once", str(root), text)

    def script(self, *replies: Any) -> None:
        """What the model will say next, in this order (`messages_api.py`); after that it says "OK."."""
        with self.box.here(OUT / "replies.jsonl").open("a", encoding="utf-8") as script:
            script.writelines(json.dumps(reply) + "\n" for reply in replies)

    def print_mode(self, prompt: str, *options: str, cwd: Path = PROJECT, env: Mapping[str, str] | None = None) -> Ran:
        """One `claude -p`, every tool allowed. Raises RuntimeError when it ends badly."""
        command = (*self.client.command, "-p", prompt, "--permission-mode", "bypassPermissions", *options)
        ran = self.box.run(*command, cwd=cwd, env=env)
        if ran.code:
            raise RuntimeError(f"claude -p ended with {ran.code}: {ran.err or ran.out}")
        return ran

    def requests(self) -> list[dict[str, Any]]:
        """Bodies of the main loop's requests so far, oldest first."""
        path = self.box.here(OUT / "requests.jsonl")
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        entries = [json.loads(line) for line in lines]
        return [entry["body"] for entry in entries if entry["asked"]]

    def told(self) -> str:
        """Everything the model was told by the last request of the main loop: system prompt and messages."""
        return told(self.requests()[-1])

    def tool_results(self) -> list[dict[str, Any]]:
        """The results of tool calls that the last request of the main loop brought, oldest first."""
        blocks = [
            block
            for message in self.requests()[-1]["messages"]
            if isinstance(message["content"], list)
            for block in message["content"]
        ]
        return [block for block in blocks if block["type"] == "tool_result"]

    def transcripts(self) -> list[Path]:
        """The transcripts written so far, as seen from outside."""
        return sorted(self.box.here(HOME / ".claude" / "projects").rglob("*.jsonl"))


def _after_onboarding() -> dict[str, Any]:
    """`~/.claude.json` as it looks when the dialogs of the first start have been answered."""
    trusted = {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}
    return {
        "hasCompletedOnboarding": True,
        "lastOnboardingVersion": LATEST,
        "theme": "dark",
        "numStartups": 5,
        "customApiKeyResponses": {"approved": [KEY[-20:]], "rejected": []},
        "projects": {str(folder): trusted for folder in (PROJECT, PROJECT / "sub")},
    }
