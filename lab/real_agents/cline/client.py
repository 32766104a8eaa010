"""Cline's terminal client in a box. It resumes and forks a session in a terminal only."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar, Final

from real_agents.lab.box import HOME, Box, Terminal, wait_until
from real_agents.lab.model_server import PORT, ChatApi, text_of
from real_agents.lab.packages import MACHINE, NotInstalled, from_npm
from real_agents.lab.tool import Ability, Installed, Tool, Turn

VERSIONS: Final = ("3.0.65", "3.0.57")
CORE: Final = {"3.0.65": "0.0.86", "3.0.57": "0.0.78"}
"""The version of the package that each of them needs to run plugins."""
NEEDED: Final = ("jiti@2.7.0", "aws4fetch@1.0.20", "jsonrepair@3.13.2", "zod@4.3.6", "zod-to-json-schema@3.25.1")
DATA: Final = HOME / ".cline" / "data"
PLUGIN: Final = HOME / ".cline" / "plugins" / "carryover.js"
MCP: Final = DATA / "settings" / "cline_mcp_settings.json"


class Api(ChatApi):
    ASIDE = "The work so far was summed up."

    @staticmethod
    def told(body: dict[str, Any]) -> str:
        """The results of calls are JSON texts."""
        return "\n".join([ChatApi.told(body), *(text for result in _results(body) for text in _texts(result))])


def _results(body: dict[str, Any]) -> Iterator[Any]:
    for message in body["messages"]:
        if message["role"] == "tool":
            with suppress(ValueError):
                yield json.loads(text_of(message["content"]))


def _texts(result: Any) -> Iterator[str]:
    if isinstance(result, str):
        yield result
    elif isinstance(result, dict | list):
        for part in result.values() if isinstance(result, dict) else result:
            yield from _texts(part)


class Cline(Tool):
    id = "cline"
    NAME = "Cline"
    RELEASED = "npm @cline/cli-linux-x64"
    OLDEST = "3.0.65"
    API = Api
    KEEPS_INJECTED = False
    LIMIT: ClassVar[Any] = {"error": {"status": 402, "message": "You have reached your usage limit"}}
    LIMIT_RECORD = '"displayRole": "error"'
    CANNOT: ClassVar[Mapping[Ability, str]] = {
        "killed": "a session resumes in a terminal only; `test_sessions` kills its first run",
    }
    RESETS = False
    READY = r"Auto-approve"
    INTERRUPTED = r"[Aa]borted|[Cc]ancelled|[Ii]nterrupted"
    COMPACTED = r"[Cc]ompacted"
    COMPACTED_RECORD = "Context summary"
    LINE_PREFIX = r"^\d+ \| "

    def __init__(self, box: Box, installed: Installed, port: int = PORT) -> None:
        super().__init__(box, installed, port)
        box.write(MCP, '{\n  "mcpServers": {}\n}\n')
        provider = ("auth", "openai-compatible", "-k", "dummy", "-m", "fake-model", "-b", f"http://127.0.0.1:{port}/v1")
        box.must(*self.installed.command, *provider, env=self.environment)

    @classmethod
    def install(cls, version: str) -> Installed:
        if version not in CORE:
            raise NotInstalled(f"which version of its core {version} needs is not known here")
        folder = from_npm(f"@cline/cli-linux-{MACHINE}", version, only=(f"@cline/shared@{CORE[version]}", *NEEDED))
        return Installed(version, (str(folder / "bin" / "cline"),), (folder.parents[1],), (folder / "bin",))

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

    def recorded(self, session: str) -> str:
        path = self.transcripts()[session]
        summary = path.with_name(f"{session}.compaction.json")
        return super().recorded(session) + (summary.read_text("utf-8", "replace") if summary.exists() else "")

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
                last = re.findall(r'<user_input mode=\\"\w+\\">([^<]*)</user_input>', self.recorded(session))[-1]
                terminal.wait(re.escape(last))
                terminal.enter("/fork")
                terminal.wait("Create a fork")
                terminal.key("Enter")
                self.new_session(known)
            self.script(*replies)
            terminal.enter(prompt)
            count = len(replies) or 1
            wait_until(lambda: len(self.requests()) >= before + count)
            continued = max(self.transcripts()) if fork else session
            self.wait_recorded(continued, prompt)
            last = replies[-1] if replies else "OK."
            if isinstance(last, str):
                self.wait_recorded(continued, json.dumps(last)[1:-1])
        return Turn(continued, tuple(self.requests()[before:]), "", 0)

    @contextmanager
    def _resumed(self, cwd: Path, session: str) -> Iterator[Terminal]:
        command = (*self.installed.command, "--id", session)
        with Terminal(self.box, *command, cwd=cwd, env=self.environment) as terminal:
            terminal.wait(self.READY, timeout_s=self.STARTS_S)
            yield terminal

    def _command(self, prompt: str, session: str | None, *options: str, fork: bool = False) -> Sequence[str]:
        # A single word would be taken for a command.
        return (*self.installed.command, *options, prompt if " " in prompt else f"{prompt} there")

    def _interactive(self) -> Sequence[str]:
        return (*self.installed.command, "-i")

    def switch_hooks_off(self) -> None:
        """It has no switch for plugins (3.0.65)."""
        self.box.here(PLUGIN).unlink()


TOOL = Cline
