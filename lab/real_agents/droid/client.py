"""Factory's Droid in a box, as in a network without its maker's servers, with a model of the user's own."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Final

from real_agents.lab.box import HOME, Box, Terminal, wait_until
from real_agents.lab.model_server import PORT, ChatApi
from real_agents.lab.packages import MACHINE, from_npm
from real_agents.lab.tool import Ability, Installed, Tool, Turn

VERSIONS: Final = ("0.225.2", "0.215.0")
FOLDER: Final = HOME / ".factory"
SETTINGS: Final = FOLDER / "settings.json"
MODEL: Final = "custom:fake-model"


class Droid(Tool):
    """Without its maker's servers it resumes a session in a terminal only."""

    id = "droid"
    NAME = "Droid"
    RELEASED = "npm @factory/cli-linux-x64"
    OLDEST = "0.215.0"
    API = ChatApi
    CANNOT: ClassVar[Mapping[Ability, str]] = {
        "compacted": "a compaction begins another session",
        "killed": "without its maker's servers a session is resumed in a terminal only",
    }
    LIMIT: ClassVar[Any] = {"error": {"status": 402, "message": "You have reached your usage limit"}}
    LIMIT_RECORD = "model_usage_exhausted"
    RESETS = False
    KEEPS_INJECTED = False
    RECORDS_VERSION = False
    RECORDS_NEW = False
    CLEAR = "/new"
    READY = r"\? for help|Trust this folder\?"
    INTERRUPTED = r"Request cancelled by user"

    def __init__(self, box: Box, installed: Installed, port: int = PORT) -> None:
        super().__init__(box, installed, port)
        model = {
            "model": "fake-model",
            "displayName": "Fake",
            "baseUrl": f"http://127.0.0.1:{port}/v1",
            "apiKey": "dummy",
            "provider": "generic-chat-completion-api",
            "maxOutputTokens": 8192,
        }
        box.write(SETTINGS, json.dumps({"customModels": [model], "cloudSessionSync": False}, indent=2) + "\n")

    @classmethod
    def install(cls, version: str) -> Installed:
        folder = from_npm(f"@factory/cli-linux-{MACHINE}", version) / "bin"
        return Installed(version, (str(folder / "droid"),), (folder,), (folder,))

    @property
    def environment(self) -> Mapping[str, str]:
        return {
            "FACTORY_AIRGAP_ENABLED": "1",
            "FACTORY_DISABLE_KEYRING": "1",
            "FACTORY_DROID_AUTO_UPDATE_ENABLED": "0",
        }

    @contextmanager
    def terminal(self, cwd: Path) -> Iterator[Terminal]:
        with self._in_terminal(cwd, *self._interactive()) as terminal:
            yield terminal

    def switch_hooks_off(self) -> None:
        settings = json.loads(self.box.here(SETTINGS).read_text("utf-8"))
        hooks = {**settings.get("hooks", {}), "hooksDisabled": True}
        self.box.write(SETTINGS, json.dumps({**settings, "hooks": hooks}))

    def shell(self, command: str) -> dict[str, Any]:
        return {"tool": "Execute", "input": {"command": command, "summary": "Run it"}}

    def edit(self, path: Path, old: str, new: str, *, cwd: Path) -> list[Any]:
        return [self.read(path), {"tool": "Edit", "input": {"file_path": str(path), "old_str": old, "new_str": new}}]

    def write(self, path: Path, line: str, *, cwd: Path) -> dict[str, Any]:
        return {"tool": "Create", "input": {"file_path": str(path), "content": f"{line}\n"}}

    def read(self, path: Path) -> dict[str, Any]:
        return {"tool": "Read", "input": {"file_path": str(path)}}

    def transcripts(self) -> dict[str, Path]:
        return {path.stem: path for path in self.box.here(FOLDER / "sessions").glob("*/*.jsonl")}

    def turn(
        self,
        cwd: Path,
        prompt: str,
        *replies: Any,
        session: str | None = None,
        fork: bool = False,
        options: Sequence[str] = (),
        code: int | None = 0,
    ) -> Turn:
        if session is None or fork:
            return super().turn(cwd, prompt, *replies, session=session, fork=fork, options=options, code=code)
        before, count = len(self.requests()), len(replies) or 1
        with self._in_terminal(cwd, *self._interactive(), "--resume", session) as terminal:
            self.script(*replies)
            terminal.enter(prompt)
            wait_until(lambda: len(self.requests()) >= before + count)
            last = replies[-1] if replies else "OK."
            if isinstance(last, str) or last == self.LIMIT:  # it writes them after it has shown them
                self.wait_recorded(session, json.dumps(last)[1:-1] if isinstance(last, str) else self.LIMIT_RECORD)
        return Turn(session, tuple(self.requests()[before:]), "", 0)

    @contextmanager
    def _in_terminal(self, cwd: Path, *command: str) -> Iterator[Terminal]:
        with Terminal(self.box, *command, cwd=cwd, env=self.environment) as terminal:
            terminal.wait(self.READY, timeout_s=self.STARTS_S)
            if "Trust this folder?" in terminal.screen():
                terminal.choose("Enter", r"\? for help")
            yield terminal

    def _command(self, prompt: str, session: str | None, *options: str, fork: bool = False) -> Sequence[str]:
        continued = ("--fork" if fork else "--session-id", session) if session else ()
        allowed = ("--model", MODEL, "--skip-permissions-unsafe")
        return (*self.installed.command, "exec", *allowed, *continued, *options, prompt)

    def _interactive(self) -> Sequence[str]:
        return (*self.installed.command, "--auto", "high")


TOOL = Droid
