"""Codex CLI in the table of handovers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from real_agents.codex import client, requests, work
from real_agents.codex.client import CODEX_HOME, SETTINGS, UUID_LENGTH
from real_agents.codex.responses_api import ResponsesApi
from real_agents.handover.tool import Installed, Tool
from real_agents.lab.box import Box
from real_agents.lab.model_server import PORT
from real_agents.lab.terminal import Terminal
from real_agents.lab.waiting import wait_until

CONFIG: Final = CODEX_HOME / "config.toml"


class Codex(Tool):
    id = "codex"
    NAME = "Codex CLI"
    VERSION = client.CHOSEN[0]
    OLDEST = "0.169.0"
    API = ResponsesApi
    LIMIT = work.LIMIT
    LIMIT_RECORD = '"usage_limit_exceeded"'
    READY = client.READY
    COMPACTED = "Context compacted"
    COMPACTED_RECORD = '"type":"compacted"'

    def __init__(self, box: Box, installed: Installed, port: int) -> None:
        super().__init__(box, installed, port)
        box.write(CONFIG, SETTINGS.replace(f":{PORT}/", f":{port}/"))

    @classmethod
    def install(cls) -> Installed:
        found = client.get(cls.VERSION)
        return Installed((str(found.command),), (found.shown,), (found.command.parent,))

    def shell(self, command: str) -> dict[str, Any]:
        return {"shell": command}

    def edit(self, path: Path, old: str, new: str, *, cwd: Path) -> list[Any]:
        lines = (f"*** Update File: {os.path.relpath(path, cwd)}", "@@", f"-    {old}", f"+    {new}")
        return [{"patch": "\n".join(("*** Begin Patch", *lines, "*** End Patch"))}]

    def read(self, path: Path) -> dict[str, Any]:
        return {"shell": f"cat {path}"}

    def transcripts(self) -> dict[str, Path]:
        files = self.box.here(CODEX_HOME / "sessions").rglob("rollout-*.jsonl")
        return {path.stem[-UUID_LENGTH:]: path for path in files}

    def trust(self, root: Path) -> None:
        with self.box.here(CONFIG).open("a", encoding="utf-8") as config:
            config.write(f'\n[projects."{root}"]\ntrust_level = "trusted"\n')

    def review_hooks(self, cwd: Path) -> None:
        """Starts the client and answers its question about new hooks with "Trust all"."""
        with Terminal(self.box, *self._interactive(), cwd=cwd) as terminal:
            terminal.wait(client.REVIEW)
            terminal.choose("Down", "› 2. Trust all")
            terminal.key("Enter")
            wait_until(lambda: "trusted_hash" in self.box.here(CONFIG).read_text("utf-8"))
            terminal.wait(self.READY)

    def switch_hooks_off(self) -> None:
        text = self.box.here(CONFIG).read_text("utf-8")
        assert text.count("[features]\n") == 1
        self.box.write(CONFIG, text.replace("[features]\n", "[features]\nhooks = false\n"))

    def _command(self, prompt: str, session: str | None) -> Sequence[str]:
        continued = ("resume", session) if session else ()
        return (*self.installed.command, "exec", *continued, prompt)

    def _interactive(self) -> Sequence[str]:
        return self.installed.command

    def _text(self, body: Any) -> str:
        return requests.told(body)


TOOL = Codex
