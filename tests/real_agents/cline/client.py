"""Cline's terminal client in a box. It resumes and forks a session in a terminal only."""

import json
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Final

from real_agents.lab.box import HOME, Box, Terminal, wait_until
from real_agents.lab.model_server import PORT, ChatApi
from real_agents.lab.packages import MACHINE, from_npm
from real_agents.lab.tool import Installed, Tool, Turn

VERSIONS: Final = ("3.0.65", "3.0.57")
DATA: Final = HOME / ".cline" / "data"


class Cline(Tool):
    id = "cline"
    NAME = "Cline"
    OLDEST = "3.0.65"
    API = ChatApi
    ARRIVES = "pointer"
    LIMIT: ClassVar[Any] = {"error": {"status": 402, "message": "You have reached your usage limit"}}
    LIMIT_RECORD = '"displayRole": "error"'
    RESETS = False
    READY = r"Auto-approve"
    INTERRUPTED = r"[Aa]borted|[Cc]ancelled|[Ii]nterrupted"
    COMPACTED = r"[Cc]ompacted"
    COMPACTED_RECORD = "Context summary"
    SUMMARY = ("The work so far was summed up.",)
    LINE_PREFIX = r"^\d+ \| "

    def __init__(self, box: Box, installed: Installed, port: int = PORT) -> None:
        super().__init__(box, installed, port)
        provider = ("auth", "openai-compatible", "-k", "dummy", "-m", "fake-model", "-b", f"http://127.0.0.1:{port}/v1")
        box.must(*self.installed.command, *provider, env=self.environment)

    @classmethod
    def install(cls, version: str) -> Installed:
        folder = from_npm(f"@cline/cli-linux-{MACHINE}", version, alone=True)
        return Installed(version, (str(folder / "bin" / "cline"),), (folder,), (folder / "bin",))

    @property
    def environment(self) -> Mapping[str, str]:
        return {
            "CLINE_NO_AUTO_UPDATE": "1",
            "CLINE_SESSION_BACKEND_MODE": "local",
            "CLINE_DISABLE_CLINE_PASS_NOTICE": "1",
        }

    def shell(self, command: str) -> dict[str, Any]:
        return {"tool": "run_commands", "input": {"commands": [command]}}

    def edit(self, path: Path, old: str, new: str, *, cwd: Path) -> list[Any]:
        return [{"tool": "editor", "input": {"path": str(path), "old_text": old, "new_text": new}}]

    def write(self, path: Path, line: str, *, cwd: Path) -> dict[str, Any]:
        return {"tool": "editor", "input": {"path": str(path), "new_text": f"{line}\n"}}

    def read(self, path: Path) -> dict[str, Any]:
        return {"tool": "read_files", "input": {"files": [{"path": str(path)}]}}

    def transcripts(self) -> dict[str, Path]:
        files = self.box.here(DATA / "sessions").glob("*/*.messages.json")
        return {path.parent.name: path for path in files if path.name.startswith(path.parent.name)}

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
        if session is None:
            return super().turn(cwd, prompt, *replies, options=options, code=code)
        before = len(self.requests())
        known = set(self.transcripts())
        with self._resumed(cwd, session) as terminal:
            if fork:
                terminal.enter("/fork")
                terminal.wait(r"[Ff]orked")
            self.script(*replies)
            terminal.enter(prompt)
            count = len(replies) or 1
            wait_until(lambda: len(self.requests()) >= before + count)
            continued = self.new_session(known) if fork else session
            self.wait_recorded(continued, prompt)
            last = replies[-1] if replies else "OK."
            if isinstance(last, str):
                self.wait_recorded(continued, json.dumps(last)[1:-1])
        return Turn(continued, tuple(self.requests()[before:]), "", 0)

    @contextmanager
    def _resumed(self, cwd: Path, session: str) -> Any:
        command = (*self.installed.command, "--id", session)
        with Terminal(self.box, *command, cwd=cwd, env=self.environment) as terminal:
            terminal.wait(self.READY, timeout_s=self.STARTS_S)
            yield terminal

    def _command(self, prompt: str, session: str | None, *options: str, fork: bool = False) -> Sequence[str]:
        return (*self.installed.command, *options, prompt)

    def _interactive(self) -> Sequence[str]:
        return (*self.installed.command, "-i")


TOOL = Cline
