"""Codex CLI in a box."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

from packaging.version import Version

from real_agents.codex.api import ResponsesApi, told
from real_agents.lab.box import HOME, Box, wait_until
from real_agents.lab.model_server import PORT
from real_agents.lab.packages import MACHINE, from_npm
from real_agents.lab.terminal import Terminal
from real_agents.lab.tool import Installed, Tool

LATEST: Final = "0.169.0"
VERSIONS: Final = (LATEST, "0.150.0", "0.125.0", "0.99.0")
"""Newest known; one of the first with `item_completed` records; records of the older family, hooks without a review; no
hooks yet, and no records of where a turn begins and ends."""

REVIEWS_SINCE: Final = "0.150.0"
"""From here on Codex runs no hook that its user has not reviewed."""
REVIEW: Final = "Hooks need review"

UUID_LENGTH: Final = 36
CODEX_HOME: Final = HOME / ".codex"

SETTINGS: Final = f"""\
model = "gpt-5.5"
model_provider = "fake"
approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false

[analytics]
enabled = false

[features]
plugins = false

[model_providers.fake]
name = "fake"
base_url = "http://127.0.0.1:{PORT}/v1"
wire_api = "responses"

[notice.model_migrations]
"gpt-5.5" = "gpt-6-sol"
"""
"""`config.toml` of a user who has answered the questions of the first start. An offline client waits
5 s at its end for its metrics (0.169.0) or for its list of plugins (0.125.0, 0.150.0), where these are on."""


class Codex(Tool):
    id = "codex"
    NAME = "Codex CLI"
    OLDEST = "0.169.0"
    API = ResponsesApi
    LIMIT: ClassVar[Any] = {
        "error": {
            "status": 429,
            "type": "usage_limit_reached",
            "message": "The usage limit has been reached",
            "plan_type": "plus",
            "resets_at": 4102444800,
        }
    }
    """What a plan's service answers when its window is used up; not tried again by the client."""
    LIMIT_RECORD = '"usage_limit_exceeded"'
    READY = r"(?m)^› Ask Codex"
    INTERRUPTED = "Conversation interrupted"
    COMPACTED = "Context compacted"
    COMPACTED_RECORD = '"type":"compacted"'
    HOOK_LINES = ("hook: SessionStart", "hook: SessionStart Completed", "hook: Stop", "hook: Stop Completed")
    """All that `codex exec` (0.169.0) says of our hooks: it names each that ran before its end, whatever it printed."""

    def __init__(self, box: Box, installed: Installed, port: int = PORT, home: Path = CODEX_HOME) -> None:
        """`home`: its `$CODEX_HOME`, which the box's environment must name where it is another."""
        super().__init__(box, installed, port)
        self.home = home
        self.config = home / "config.toml"
        box.write(self.config, SETTINGS.replace(f":{PORT}/", f":{port}/"))

    @classmethod
    def install(cls, version: str) -> Installed:
        folder = from_npm("@openai/codex", f"{version}-linux-{MACHINE}")
        # 0.99.0 and 0.125.0 have it in a folder of its own name.
        [command] = [path for name in ("bin", "codex") for path in folder.glob(f"vendor/*/{name}/codex")]
        return Installed(version, (str(command),), (folder,), (command.parent,))

    def shell(self, command: str) -> dict[str, Any]:
        return {"shell": command}

    def edit(self, path: Path, old: str, new: str, *, cwd: Path) -> list[Any]:
        return [_patch(f"*** Update File: {os.path.relpath(path, cwd)}", "@@", f"-    {old}", f"+    {new}")]

    def write(self, path: Path, line: str, *, cwd: Path) -> Any:
        return _patch(f"*** Add File: {os.path.relpath(path, cwd)}", f"+{line}")

    def read(self, path: Path) -> dict[str, Any]:
        return {"shell": f"cat {path}"}

    def transcripts(self) -> dict[str, Path]:
        files = self.box.here(self.home).rglob("rollout-*.jsonl")
        return {path.stem[-UUID_LENGTH:]: path for path in sorted(files, key=lambda path: path.name)}

    def trust(self, root: Path) -> None:
        with self.box.here(self.config).open("a", encoding="utf-8") as config:
            config.write(f'\n[projects."{root}"]\ntrust_level = "trusted"\n')

    def review_hooks(self, cwd: Path) -> str:
        if Version(self.version) < Version(REVIEWS_SINCE):
            return ""
        with Terminal(self.box, *self._interactive(), cwd=cwd) as terminal:
            terminal.wait(REVIEW)
            asked = terminal.screen()
            terminal.choose("Down", "› 2. Trust all")
            terminal.key("Enter")
            wait_until(lambda: "trusted_hash" in self.box.here(self.config).read_text("utf-8"))
            terminal.wait(self.READY)
        return asked

    def switch_hooks_off(self) -> None:
        text = self.box.here(self.config).read_text("utf-8")
        assert text.count("[features]\n") == 1
        self.box.write(self.config, text.replace("[features]\n", "[features]\nhooks = false\n"))

    def _command(self, prompt: str, session: str | None, *options: str, fork: bool = False) -> Sequence[str]:
        continued = ("fork" if fork else "resume", session) if session else ()
        return (*self.installed.command, "exec", *continued, *options, prompt)

    def _interactive(self) -> Sequence[str]:
        return self.installed.command

    def _text(self, body: Any) -> str:
        return told(body)


def _patch(*lines: str) -> dict[str, str]:
    return {"patch": "\n".join(("*** Begin Patch", *lines, "*** End Patch"))}


TOOL = Codex
