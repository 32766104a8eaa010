"""gptme in a box."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Final

from real_agents.lab.box import HOME, Box, Terminal
from real_agents.lab.model_server import PORT, ChatApi, parts_of
from real_agents.lab.packages import from_pypi, only_command
from real_agents.lab.tool import Installed, Tool

VERSIONS: Final = ("0.35.1", "0.33.0")
LOGS: Final = HOME / ".local" / "share" / "gptme" / "logs"
SETTINGS: Final = '[prompt]\nabout_user = "A developer."\n\n[env]\nMODEL = "local/fake-model"\n'
FINISHED: Final = {"tool": "complete", "input": {}}


class Gptme(Tool):
    """Without a terminal it asks its model to go on until that calls `complete`."""

    id = "gptme"
    NAME = "gptme"
    RELEASED = "pypi gptme"
    OLDEST = "0.35.1"
    API = ChatApi
    ARRIVES = "pointer"
    LIMIT: ClassVar[Any] = {"error": {"status": 402, "message": "You exceeded your current quota"}}
    LIMIT_RECORD = "Error code: 402"
    RESETS = False
    RECORDS_RUNNING = False
    READY = r"User:\s*\Z"
    INTERRUPTED = READY
    COMPACT = "/compact summarize"
    COMPACTED = r"Resume saved"
    COMPACTED_RECORD = '"compaction_artifact"'

    def __init__(self, box: Box, installed: Installed, port: int = PORT) -> None:
        self._in_terminal = False
        super().__init__(box, installed, port)
        box.write(HOME / ".config" / "gptme" / "config.toml", SETTINGS)

    @classmethod
    def install(cls, version: str) -> Installed:
        folder = from_pypi("gptme", version)
        return Installed(version, (str(folder / "bin" / "gptme"),), (folder,), (only_command(folder, "gptme"),))

    @property
    def environment(self) -> Mapping[str, str]:
        """At a timeout of 0 it does not try to fetch an encoding, and does not warn all over the screen."""
        model = f"http://127.0.0.1:{self.port}/v1"
        return {"OPENAI_BASE_URL": model, "OPENAI_API_KEY": "dummy", "GPTME_TIKTOKEN_TIMEOUT": "0"}

    def shell(self, command: str) -> dict[str, Any]:
        return {"tool": "shell", "input": {"command": command}}

    def edit(self, path: Path, old: str, new: str, *, cwd: Path) -> list[Any]:
        patch = f"<<<<<<< ORIGINAL\n{old}\n=======\n{new}\n>>>>>>> UPDATED"
        return [{"tool": "patch", "input": {"path": str(path), "patch": patch}}]

    def write(self, path: Path, line: str, *, cwd: Path) -> dict[str, Any]:
        return {"tool": "save", "input": {"path": str(path), "content": f"{line}\n"}}

    def read(self, path: Path) -> dict[str, Any]:
        return self.shell(f"cat {path}")

    def script(self, *replies: Any) -> int:
        self._replies = replies
        return super().script(*(reply if self._in_terminal else _finishing(reply) for reply in replies))

    @contextmanager
    def terminal(self, cwd: Path) -> Iterator[Terminal]:
        self._in_terminal = True
        self.script(*self._replies)
        try:
            with super().terminal(cwd) as terminal:
                yield terminal
        finally:
            self._in_terminal = False

    def interrupt(self, terminal: Terminal) -> None:
        terminal.key("C-c")
        terminal.wait(self.INTERRUPTED)

    def compact(self, terminal: Terminal) -> None:
        """What is typed before it asks for the next prompt is lost."""
        terminal.wait(self.READY)
        super().compact(terminal)

    def transcripts(self) -> dict[str, Path]:
        return {path.parent.name: path for path in self.box.here(LOGS).glob("*/conversation.jsonl")}

    def _command(self, prompt: str, session: str | None, *options: str, fork: bool = False) -> Sequence[str]:
        continued = ("--name", session) if session else ()
        forked = (f"/fork {session}-fork", "-") if fork else ()
        return (*self._start(), "-n", *continued, *options, *forked, prompt)

    def _interactive(self) -> Sequence[str]:
        """Under a new name: without one it asks which conversation to load."""
        return (*self._start(), "--name", f"terminal-{len(self.transcripts())}")

    def _start(self) -> Sequence[str]:
        return (*self.installed.command, "--tool-format", "tool", "-y")


def _finishing(reply: Any) -> Any:
    """The reply, with the call that ends the run if it has none."""
    only_text = all(isinstance(part, str) for part in parts_of(reply))
    return [*parts_of(reply), FINISHED] if only_text else reply


TOOL = Gptme
