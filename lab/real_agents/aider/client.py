"""Aider in a box."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Final

from carryover.errors import ExitCode
from real_agents.lab import product
from real_agents.lab.box import HOME, OUT, Box, Started, Terminal
from real_agents.lab.model_server import PORT, ChatApi
from real_agents.lab.packages import from_pypi, only_command
from real_agents.lab.tool import Ability, Installed, Tool, Turn

LATEST: Final = "0.86.2"
VERSIONS: Final = (LATEST, "0.82.3")

HISTORY: Final = ".aider.chat.history.md"
SETTINGS: Final = ".aider.conf.yml"

OFFLINE: Final = {
    "AIDER_MODEL": "openai/gpt-4o",
    "AIDER_WEAK_MODEL": "openai/gpt-4o-mini",
    "AIDER_CHECK_UPDATE": "false",
    "AIDER_SHOW_RELEASE_NOTES": "false",
    "AIDER_ANALYTICS": "false",
    "AIDER_SHOW_MODEL_WARNINGS": "false",
    "OPENAI_API_KEY": "dummy",
    "OPENAI_API_BASE": f"http://127.0.0.1:{PORT}/v1",
    "TZ": "UTC",
}

PROJECTS: Final = HOME / "work"
HEADER: Final = "# aider chat started at "


class OpenAi(ChatApi):
    """Only requests to the main model are of the conversation; the weak model words the commits."""

    MODEL = "gpt-4o"
    ASIDE = "fix: a change"

    def of_conversation(self, body: dict[str, Any]) -> bool:
        return body.get("model") == self.MODEL


class Aider(Tool):
    """Its model calls no tools. What it runs after an edit is the user's test command, whose failure the model gets;
    without an edit it is a command that the answer suggests, which ends the turn."""

    id = "aider"
    NAME = "Aider"
    RELEASED = "pypi aider-chat"
    OLDEST = "0.86.2"
    API = OpenAi
    ARRIVES = "file"
    READS_POINTER = False
    CANNOT: ClassVar[Mapping[Ability, str]] = {"compacted": "what it sums up for its model leaves no trace"}
    SILENT_ON = frozenset({"failing test", "dead end"})
    LIMIT: ClassVar[Any] = {
        "error": {
            "status": 402,
            "message": 'Insufficient credits: usage limit reached, resets at 8:05 PM. {"error":{"code":402}}',
        }
    }
    """As a gateway passes it on from another provider. The client does not try again for a minute and a half only where
    it finds the first words and the last ones (0.86.2)."""
    LIMIT_CODE = 0
    LIMIT_RECORD = "> litellm."
    READY = r"(?m)^\w*> *$"
    STARTS_S = 90.0

    def __init__(self, box: Box, installed: Installed, port: int = PORT) -> None:
        self._files: list[str] = []
        self._handoff: list[str] = []
        self._test = OUT / self.id / "test.sh"
        super().__init__(box, installed, port)

    @classmethod
    def install(cls, version: str) -> Installed:
        folder = from_pypi("aider-chat", version, any_version_of=("pyperclip",))
        return Installed(version, (str(folder / "bin" / "aider"),), (folder,), (only_command(folder, "aider"),))

    @property
    def environment(self) -> Mapping[str, str]:
        moved = {name: value.replace(f":{PORT}/", f":{self.port}/") for name, value in OFFLINE.items()}
        return {**moved, "AIDER_MAP_TOKENS": "0"}

    def shell(self, command: str) -> dict[str, Any]:
        return {"shell": command}

    def edit(self, path: Path, old: str, new: str, *, cwd: Path) -> list[Any]:
        block = f"<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE"
        return [{"edit": str(path), "text": f"{path.relative_to(_top(cwd))}\n```\n{block}\n```\n"}]

    def write(self, path: Path, line: str, *, cwd: Path) -> Any:
        return self.edit(path, "", line, cwd=cwd)[0]

    def read(self, path: Path) -> dict[str, Any]:
        return self.shell(f"cat {path}")

    def script(self, *replies: Any) -> int:
        acts = [reply for reply in replies if isinstance(reply, dict) and "error" not in reply]
        edits = [act for act in acts if "edit" in act]
        commands = [act["shell"] for act in acts if "shell" in act]
        others = [reply for reply in replies if reply not in acts]
        self._files = [edit["edit"] for edit in edits]
        if commands and not edits:
            return super().script("\n".join(f"```bash\n{command}\n```" for command in commands), *others)
        self._set_test([*commands, *(["false"] if edits and others and not commands else [])])
        return super().script(*(edit["text"] for edit in edits), *others)

    def turn(self, cwd: Path, prompt: str, *replies: Any, **given: Any) -> Turn:
        self._take_handoff(cwd)
        return super().turn(cwd, prompt, *replies, **given)

    def start(self, cwd: Path, prompt: str, *replies: Any, session: str | None = None) -> Started:
        self._take_handoff(cwd)
        return super().start(cwd, prompt, *replies, session=session)

    @contextmanager
    def terminal(self, cwd: Path) -> Iterator[Terminal]:
        self._take_handoff(cwd)
        with super().terminal(cwd) as terminal:
            yield terminal

    def transcripts(self) -> dict[str, Path]:
        files = self.box.here(PROJECTS).glob(f"*/{HISTORY}")
        return {f"{path.parent.name}-{number}": path for path in files for number in range(len(_sessions(path)))}

    def recorded(self, session: str) -> str:
        """From the session's header on, so that what continues it is in it too; without the command line, which holds
        the prompt before it is one."""
        text = HEADER.join(_sessions(self.transcripts()[session])[int(session.rpartition("-")[2]) :])
        own = f"> {self.installed.command[0]} "
        return "\n".join(line for line in text.split("\n") if not line.startswith(own))

    def _take_handoff(self, cwd: Path) -> None:
        """As the user starts it where the handoff is not in the project's own list yet; makes the project known too."""
        self._handoff = []
        if self.box.here(_top(cwd) / SETTINGS).exists():
            return
        command = (product.CARRYOVER, "handoff", "--to", self.id)
        ran = self.box.run(*command, cwd=cwd)
        assert ran.code in (ExitCode.OK, ExitCode.NOTHING_FOUND), ran.err
        if ran.code == ExitCode.OK and cwd == _top(cwd):
            self._handoff = shlex.split(ran.out.splitlines()[-1].rpartition("aider ")[2])

    def _set_test(self, commands: Sequence[str]) -> None:
        """Takes the place of the file at once, since a shell may be reading the one before."""
        # As with a real model, a history is not written in one go: such a one counts as copied (`probe/own_file.py`).
        lines = ["failed=0", "sleep 6", *(f"{{ {command}; }} || failed=1" for command in commands), "exit $failed"]
        fresh = self._test.with_suffix(".new")
        self.box.write(fresh, "\n".join(lines) + "\n")
        self.box.here(fresh).replace(self.box.here(self._test))

    def _command(self, prompt: str, session: str | None, *options: str, fork: bool = False) -> Sequence[str]:
        """With nobody to answer, so that each question gets the answer it suggests: with `--yes-always` the client
        runs no suggested command."""
        continued = ("--restore-chat-history",) if session else ()
        return (*self._start(), *continued, *options, "--message", prompt, *self._files)

    def _interactive(self) -> Sequence[str]:
        return (*self._start(), "--no-pretty", "--yes-always")

    def _start(self) -> Sequence[str]:
        return (*self.installed.command, "--auto-test", "--test-cmd", f"sh {self._test}", *self._handoff)


def _top(cwd: Path) -> Path:
    return PROJECTS / cwd.relative_to(PROJECTS).parts[0]


def _sessions(path: Path) -> list[str]:
    return path.read_text("utf-8", "replace").split(f"\n{HEADER}")[1:]


TOOL = Aider
