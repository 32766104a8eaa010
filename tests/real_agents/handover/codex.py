"""Codex CLI at the table of hand-overs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from real_agents.codex import client, requests, work
from real_agents.codex.client import CODEX_HOME, SETTINGS, UUID_LENGTH, Client
from real_agents.handover.model import CODEX_PORT
from real_agents.handover.tool import Tool
from real_agents.lab.box import Box
from real_agents.lab.model_server import PORT
from real_agents.lab.terminal import Terminal
from real_agents.lab.waiting import wait_until

CONFIG: Final = CODEX_HOME / "config.toml"


class Codex(Tool):
    id = "codex"
    version = client.LATEST
    LIMIT = work.LIMIT
    LIMIT_RECORD = '"usage_limit_exceeded"'
    READY = client.READY
    COMPACTED = "Context compacted"
    COMPACTED_RECORD = '"type":"compacted"'
    SUMMARY = ()

    def __init__(self, box: Box, installed: Client) -> None:
        super().__init__(box)
        self._command_path = str(installed.command)
        box.write(CONFIG, SETTINGS.replace(f":{PORT}/", f":{CODEX_PORT}/"))

    def shell(self, command: str) -> dict[str, Any]:
        return {"shell": command}

    def edit(self, path: Path, old: str, new: str, *, cwd: Path) -> list[Any]:
        lines = (f"*** Update File: {os.path.relpath(path, cwd)}", "@@", f"-    {old}", f"+    {new}")
        return [{"patch": "\n".join(("*** Begin Patch", *lines, "*** End Patch"))}]

    def look(self, path: Path) -> dict[str, Any]:
        return {"shell": f"cat {path}"}

    def transcripts(self) -> dict[str, Path]:
        files = self.box.here(CODEX_HOME / "sessions").rglob("rollout-*.jsonl")
        return {path.stem[-UUID_LENGTH:]: path for path in files}

    def trust(self, root: Path) -> None:
        with self.box.here(CONFIG).open("a", encoding="utf-8") as config:
            config.write(f'\n[projects."{root}"]\ntrust_level = "trusted"\n')

    def trust_hooks(self, cwd: Path) -> None:
        """Starts the client and answers its question about new hooks with "Trust all"."""
        with Terminal(self.box, *self._interactive(), cwd=cwd) as terminal:
            terminal.wait(client.REVIEW)
            terminal.key("Down")
            terminal.wait("› 2. Trust all")
            terminal.key("Enter")
            wait_until(lambda: "trusted_hash" in self.box.here(CONFIG).read_text("utf-8"))
            terminal.wait(self.READY)

    def switch_hooks_off(self) -> None:
        text = self.box.here(CONFIG).read_text("utf-8")
        assert text.count("[features]\n") == 1
        self.box.write(CONFIG, text.replace("[features]\n", "[features]\nhooks = false\n"))

    def _command(self, prompt: str, session: str | None) -> Sequence[str]:
        going_on = ("resume", session) if session else ()
        return (self._command_path, "exec", *going_on, prompt)

    def _interactive(self) -> Sequence[str]:
        return (self._command_path,)

    def _told(self, body: Mapping[str, Any]) -> str:
        return requests.told(dict(body))
