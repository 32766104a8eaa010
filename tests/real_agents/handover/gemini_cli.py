"""Gemini CLI in the table of handovers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

from real_agents.gemini_cli import client, requests, work
from real_agents.gemini_cli.client import MODEL, OWN, SETTINGS, VARIABLES
from real_agents.gemini_cli.generate_api import GenerateApi
from real_agents.handover.tool import Ability, Installed, Tool
from real_agents.lab.box import Box
from real_agents.lab.model_server import PORT
from real_agents.lab.terminal import Terminal
from real_agents.lab.waiting import wait_until

SETTINGS_FILE: Final = OWN / "settings.json"
READS_AGENTS_MD: Final = {"context": {"fileName": ["GEMINI.md", "AGENTS.md"]}}
"""As a user of several agents sets it; without that, only a GEMINI.md would hold the pointer."""
REFUSALS: Final = 4
RETURNS: Final = 6
RETURN_S: Final = 5.0
TRUSTED: Final = OWN / "trustedFolders.json"


class GeminiCli(Tool):
    id = "gemini-cli"
    NAME = "Gemini CLI"
    VERSION = client.CHOSEN[0]
    OLDEST = "0.44.0"
    API = GenerateApi
    CANNOT: ClassVar[Mapping[Ability, str]] = {"compacted": "it refuses to compact a conversation that is short"}
    LIMIT = work.LIMIT
    LIMIT_RECORD = "[API Error"
    RESETS = False
    KEEPS_INJECTED = False
    RECORDS_RUNNING = False
    READY = client.READY

    def __init__(self, box: Box, installed: Installed, port: int) -> None:
        super().__init__(box, installed, port)
        box.write(SETTINGS_FILE, json.dumps({**SETTINGS, **READS_AGENTS_MD}, indent=2) + "\n")

    @classmethod
    def install(cls) -> Installed:
        found = client.get(cls.VERSION)
        return Installed((str(found.commands / "gemini"),), (found.shown,), (found.commands,))

    @property
    def environment(self) -> Mapping[str, str]:
        return {name: value.replace(f":{PORT}", f":{self.port}") for name, value in VARIABLES.items()}

    def shell(self, command: str) -> dict[str, Any]:
        return {"shell": command}

    def edit(self, path: Path, old: str, new: str, *, cwd: Path) -> list[Any]:
        """By the shell, where its own tool refuses: outside of the folder that it was started in (0.61.0)."""
        if not path.is_relative_to(cwd):
            return [self.shell(f"sed -i 's|{old}|{new}|' {path}")]
        return [work.replace(str(path), old, new)]

    def read(self, path: Path) -> dict[str, Any]:
        """By the shell, since its own tool refuses ignored files."""
        return {"shell": f"cat {path}"}

    def transcripts(self) -> dict[str, Path]:
        """A resume leaves a second file of the session, which holds none of it: the first one counts."""
        files = sorted(self.box.here(OWN / "tmp").glob("*/chats/session-*.jsonl"), key=lambda path: path.name)
        return {session: path for path in reversed(files) if (session := _session_of(path))}

    def recorded(self, session: str) -> str:
        """In the second file too."""
        files = self.box.here(OWN / "tmp").glob("*/chats/session-*.jsonl")
        return "\n".join(path.read_text("utf-8", "replace") for path in files if _session_of(path) == session)

    def trust(self, root: Path) -> None:
        file = self.box.here(TRUSTED)
        known = json.loads(file.read_text("utf-8")) if file.exists() else {}
        self.box.write(TRUSTED, json.dumps({**known, str(root): "TRUST_FOLDER"}))

    def switch_hooks_off(self) -> None:
        settings = json.loads(self.box.here(SETTINGS_FILE).read_text("utf-8"))
        self.box.write(SETTINGS_FILE, json.dumps({**settings, "hooksConfig": {"enabled": False}}, indent=2))

    def reach_limit(self, cwd: Path, prompt: str, *replies: Any, session: str | None = None) -> str:
        """In the terminal, where the client asks whether to keep trying: `-p` does not record a limit."""
        known = set(self.transcripts())
        continued = ("--resume", session) if session else ()
        command = (*self._interactive(), *continued)
        with Terminal(self.box, *command, cwd=cwd, env=self.environment) as terminal:
            terminal.wait(self.READY)
            self.script(*replies, *[self.LIMIT] * REFUSALS)
            if prompt.endswith("?"):  # typed at once with the rest, it would open the list of shortcuts
                terminal.key("-l", prompt[:-1])
                terminal.wait(re.escape(prompt[:-1]))
                prompt = "?"
            asked = len(self.requests())
            terminal.enter(prompt)
            self._send(terminal, asked)
            reached = session or self.new_session(known)
            self._stop(terminal, reached)
        return reached

    def _send(self, terminal: Terminal, asked: int) -> None:
        """Presses Return until the model is asked: one that comes while a resumed session is shown is lost (0.61.0)."""
        for _ in range(RETURNS):
            try:
                wait_until(lambda: len(self.requests()) > asked, RETURN_S)
            except TimeoutError:
                terminal.key("Enter")
            else:
                return

    def _stop(self, terminal: Terminal, session: str) -> None:
        """Gives up as often as the client asks: it asks the model again by itself after an answer that never came."""
        for _ in range(REFUSALS):
            terminal.wait(r"2\. Stop", 60)
            terminal.choose("Down", r"● 2\. Stop")
            terminal.key("Enter")
            try:
                self.wait_recorded(session, self.LIMIT_RECORD)
            except TimeoutError:
                continue
            return
        raise TimeoutError("the client did not write down its limit")

    def _command(self, prompt: str, session: str | None) -> Sequence[str]:
        continued = ("--resume", session) if session else ()
        return (*self._interactive(), *continued, "-p", prompt)

    def _interactive(self) -> Sequence[str]:
        return (*self.installed.command, "-m", MODEL, "-y")

    def _text(self, body: Any) -> str:
        return requests.told(body)


def _session_of(path: Path) -> str:
    """Empty while the header is being written."""
    with path.open(encoding="utf-8") as file:
        header = file.readline()
    return str(json.loads(header)["sessionId"]) if header.endswith("\n") else ""


TOOL = GeminiCli
