"""The driver of one client, and how to write one.

A driver is `TOOL` in `lab/real_agents/<agent>/client.py`, a subclass of `Tool`, beside `VERSIONS`. Nothing lists it:
`tools` finds it by that name, and from then on the agent is in the rows. Only what differs from the defaults is
overridden. Drivers are loaded inside the box too, where only `lab/real_agents` and the product can be seen.
"""

import json
import os
import re
import shlex
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, Literal

from carryover.agents import agent_ids
from real_agents.lab import product
from real_agents.lab.box import OUT, Box, Started, Terminal, wait_until
from real_agents.lab.model_server import PORT, ModelHandler

Arrives = Literal["hook", "file", "pointer"]
Ability = Literal["closed", "limit", "killed", "compacted", "terminal"]
"""An ending of a session, or the interactive client at all."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A client that was fetched: its command, the folders to be shown in a box, and those that go on PATH there."""

    version: str
    command: tuple[str, ...]
    shown: tuple[Path, ...]
    path: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """One run without a terminal: its session, the text of each request to the model, and what the user saw."""

    session: str
    requests: tuple[str, ...]
    seen: str
    code: int


class Tool(ABC):
    id: ClassVar[str]
    NAME: ClassVar[str]
    RELEASED: ClassVar[str]
    """The registry, npm or pypi, and the package there by which its newest version is known."""
    OLDEST: ClassVar[str]
    """The oldest version that can take part in the table of handovers."""
    API: ClassVar[type[ModelHandler]]
    ARRIVES: ClassVar[Arrives] = "hook"
    """How a handoff reaches it: a hook puts it into the first request, or the client itself does ("file")."""
    READS_POINTER: ClassVar[bool] = True
    CANNOT: ClassVar[Mapping[Ability, str]] = {}
    """Endings that it does not have, each with the reason, which the table shows."""
    SILENT_ON: ClassVar[frozenset[str]] = frozenset()
    """Facts of the story (`matrix.story.FACTS`) that its records do not hold, so that nobody can hand them over."""
    LIMIT: ClassVar[Any]
    """The vendor's answer when a usage limit is reached, as a reply of the model."""
    LIMIT_CODE: ClassVar[int] = 1
    LIMIT_RECORD: ClassVar[str]
    """What `recorded` holds once the limit is written."""
    RESETS: ClassVar[bool] = True
    KEEPS_INJECTED: ClassVar[bool] = True
    """Whether a session that is resumed still has what a hook brought into it before; if not, it is brought again."""
    RECORDS_RUNNING: ClassVar[bool] = True
    """Whether a command is in its records while it runs, and not only afterwards."""
    RECORDS_VERSION: ClassVar[bool] = True
    """Whether its records name the client's version."""
    RECORDS_NEW: ClassVar[bool] = True
    """Whether its records tell a new file from one that was written over."""
    READY: ClassVar[str] = ""
    STARTS_S: ClassVar[float] = 60.0
    """How long the terminal client may take until then on a busy machine."""
    RUNS_S: ClassVar[float] = 120.0
    """How long a turn without a terminal may take on a busy machine."""
    INTERRUPTED: ClassVar[str] = ""
    CLEAR: ClassVar[str] = "/clear"
    """What begins a conversation of its own in the terminal client."""
    COMPACT: ClassVar[str] = "/compact"
    COMPACTED: ClassVar[str] = ""
    COMPACTED_RECORD: ClassVar[str] = ""
    SUMMARY: ClassVar[tuple[Any, ...]] = ()
    LINE_PREFIX: ClassVar[str] = ""
    """Regular expression for what the client's own tool puts before each line of a file that it reads."""
    HOOK_LINES: ClassVar[Sequence[str] | None] = ()
    """What a run without a terminal says of our hooks in any case; None where that differs from version to version."""
    LISTED: ClassVar[Sequence[str]] = ()
    """What the terminal client says of them when it starts: some list what they load."""

    def __init__(self, box: Box, installed: Installed, port: int = PORT) -> None:
        """Writes the client's settings into the box, as of a user who has answered the dialogs of the first start."""
        self.box = box
        self.installed = installed
        self.version = installed.version
        self.port = port
        self._out = OUT / self.id
        self._script = box.here(self._out / "replies.jsonl")
        box.must("mkdir", str(self._out))
        self.script()

    @classmethod
    def versions(cls) -> tuple[str, ...]:
        """The versions to run, newest first: those in CARRYOVER_<AGENT>, else `VERSIONS` of its module."""
        chosen = os.environ.get(f"CARRYOVER_{cls.id.upper().replace('-', '_')}", "").split()
        known: tuple[str, ...] = import_module(cls.__module__).VERSIONS
        return tuple(chosen) or known

    @classmethod
    @abstractmethod
    def install(cls, version: str) -> Installed:
        """Fetches the client on first use. Raises packages.NotInstalled."""

    @property
    def environment(self) -> Mapping[str, str]:
        return {}

    @abstractmethod
    def shell(self, command: str) -> Any:
        """A reply: a shell command."""

    @abstractmethod
    def edit(self, path: Path, old: str, new: str, *, cwd: Path) -> list[Any]:
        """Replies: an edit of a file in a session that works in `cwd`."""

    @abstractmethod
    def write(self, path: Path, line: str, *, cwd: Path) -> Any:
        """A reply: a new file of one line, written with the client's own tool."""

    @abstractmethod
    def read(self, path: Path) -> Any:
        """A reply: a file is read with the client's own tool."""

    @abstractmethod
    def transcripts(self) -> dict[str, Path]:
        """The file that holds each main conversation so far, as seen from outside the box, by session."""

    @abstractmethod
    def _command(self, prompt: str, session: str | None, *options: str, fork: bool = False) -> Sequence[str]:
        """One prompt without a terminal, every tool allowed, in `session`, a fork of it, or a new one."""

    @abstractmethod
    def _interactive(self) -> Sequence[str]:
        """The interactive client, every tool allowed."""

    def trust(self, root: Path) -> None:  # noqa: B027 (nothing is right for many clients)
        """Does what a user does when the client is first started in a folder."""

    def review_hooks(self, cwd: Path) -> str:
        """Does what a user does before the client runs new hooks; returns the screen that asked for it."""
        return ""

    def switch_hooks_off(self) -> None:  # noqa: B027 (nothing is right for many clients)
        """Turns the client's hooks off, as its user would. A client without hooks does nothing here."""

    def recorded(self, session: str) -> str:
        return self.transcripts()[session].read_text("utf-8", "replace")

    def recorded_at_s(self, session: str) -> float:
        return self.transcripts()[session].stat().st_mtime

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
        """Runs one turn of `session`, of a fork of it, or of a new one. It must use up the replies and end with
        `code`."""
        before, known = len(self.requests()), set(self.transcripts())
        scripted = self.script(*replies)
        command = self._command(prompt, session, *options, fork=fork)
        ran = self.box.run(*command, cwd=cwd, timeout_s=self.RUNS_S, env=self.environment)
        requests = tuple(self.requests()[before:])
        assert code in (None, ran.code), f"{self.id} ended with {ran.code}: {ran.err or ran.out}"
        assert len(requests) >= scripted, f"{len(requests)} requests of {self.id} for {scripted} replies"
        made = sorted(set(self.transcripts()) - known)
        kept = session if session and not fork else made[-1] if made else ""
        return Turn(kept, requests, ran.out + ran.err, ran.code)

    def reach_limit(self, cwd: Path, prompt: str, *replies: Any, session: str | None = None) -> str:
        return self.turn(cwd, prompt, *replies, self.LIMIT, session=session, code=self.LIMIT_CODE).session

    def start(self, cwd: Path, prompt: str, *replies: Any, session: str | None = None) -> Started:
        self.script(*replies)
        return self.box.start(*self._command(prompt, session), cwd=cwd, env=self.environment)

    @contextmanager
    def terminal(self, cwd: Path) -> Iterator[Terminal]:
        with Terminal(self.box, *self._interactive(), cwd=cwd, env=self.environment) as terminal:
            terminal.wait(self.READY, timeout_s=self.STARTS_S)
            yield terminal

    def command_line(self, prompt: str) -> str:
        """One prompt without a terminal, as it is typed in a shell."""
        return shlex.join(self._command(prompt, None))

    def interrupt(self, terminal: Terminal) -> None:
        terminal.key("Escape")
        terminal.wait(self.INTERRUPTED)

    def compact(self, terminal: Terminal) -> None:
        terminal.enter(self.COMPACT)
        terminal.wait(self.COMPACTED)

    def script(self, *replies: Any) -> int:
        """Sets what the model will answer next, and nothing else. Returns in how many answers that is."""
        self._script.write_text("".join(json.dumps(reply) + "\n" for reply in replies), "utf-8")
        self._script.chmod(0o666)
        return len(replies)

    def requests(self) -> list[str]:
        return [self.API.told(body) for body in self.bodies()]

    def bodies(self) -> list[dict[str, Any]]:
        path = self.box.here(self._out / "requests.jsonl")
        lines = path.read_bytes().splitlines() if path.exists() else []  # of text, it would split at U+2028 too
        return [entry["body"] for entry in map(json.loads, lines) if entry["asked"]]

    def without_line_prefixes(self, text: str) -> str:
        return re.sub(self.LINE_PREFIX, "", text, flags=re.M) if self.LINE_PREFIX else text

    def start_model(self) -> None:
        """Starts its scripted model. Raises RuntimeError."""
        module = ("-m", "real_agents.lab.serve_model")
        server = self.box.start(product.PYTHON, *module, self.id, str(self._out), str(self.port))
        if server.line() != "ready":
            raise RuntimeError(f"the model of {self.id} did not start: {server.said()}")

    def new_session(self, known: set[str]) -> str:
        wait_until(lambda: set(self.transcripts()) > known)
        [session] = set(self.transcripts()) - known
        return session

    def wait_recorded(self, session: str, text: str) -> None:
        wait_until(lambda: text in self.recorded(session))


@cache
def tools() -> dict[str, type[Tool]]:
    names = {agent_id: f"real_agents.{agent_id.replace('-', '_')}.client" for agent_id in agent_ids()}
    folders = {agent_id: name for agent_id, name in names.items() if find_spec(name.rpartition(".")[0]) is not None}
    return {agent_id: import_module(name).TOOL for agent_id, name in folders.items()}


def port_of(agent_id: str) -> int:
    """Returns the port of that agent's model: no two have the same."""
    return PORT + list(tools()).index(agent_id)
