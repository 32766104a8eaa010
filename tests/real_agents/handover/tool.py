"""What a client brings to the table of hand-overs: how a turn is run, and how its model acts."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from real_agents.lab.box import OUT, Box, Started
from real_agents.lab.terminal import Terminal
from real_agents.lab.waiting import wait_until


@dataclass(frozen=True, slots=True)
class Turn:
    """What happened in one run without a terminal: the session, and all that each request told the model."""

    session: str
    told: tuple[str, ...]


class Tool(ABC):
    """One client in a box, with a scripted model of its own that logs below /out/<id>."""

    id: ClassVar[str]
    """As Carryover names it."""
    version: ClassVar[str]
    LIMIT: ClassVar[dict[str, Any]]
    """What its vendor answers when a limit is reached, as a reply of the model."""
    LIMIT_RECORD: ClassVar[str]
    """What the transcript tells of it."""
    READY: ClassVar[str]
    """What its screen shows when it takes a prompt."""
    COMPACTED: ClassVar[str]
    """What its screen shows after /compact."""
    COMPACTED_RECORD: ClassVar[str]
    """What the transcript tells of it."""
    SUMMARY: ClassVar[tuple[str, ...]]
    """What of the script /compact takes."""

    def __init__(self, box: Box) -> None:
        self.box = box
        self._out = OUT / self.id
        self._script = box.here(self._out / "replies.jsonl")
        box.must("mkdir", str(self._out))
        self.script()

    @abstractmethod
    def shell(self, command: str) -> dict[str, Any]:
        """A reply: a shell command."""

    @abstractmethod
    def edit(self, path: Path, old: str, new: str, *, cwd: Path) -> list[Any]:
        """Replies: an edit of a file in a session that works in `cwd`."""

    @abstractmethod
    def look(self, path: Path) -> dict[str, Any]:
        """A reply: the file is read with the client's own tool."""

    @abstractmethod
    def trust(self, root: Path) -> None:
        """What the user answers when the client is first started in a folder."""

    @abstractmethod
    def switch_hooks_off(self) -> None:
        """As the user does it, in the settings."""

    @abstractmethod
    def transcripts(self) -> dict[str, Path]:
        """The transcripts of main conversations so far, as seen from outside, by session."""

    def turn(self, cwd: Path, prompt: str, *replies: Any, session: str | None = None, code: int = 0) -> Turn:
        """One run that goes on with `session`, or begins a new one. It must use up the replies and end with `code`."""
        before, known = len(self.told()), set(self.transcripts())
        self.script(*replies)
        ran = self.box.run(*self._command(prompt, session), cwd=cwd)
        told = tuple(self.told()[before:])
        assert ran.code == code, f"{self.id} ended with {ran.code}: {ran.err or ran.out}"
        assert len(told) == len(replies), f"{len(told)} requests of {self.id} for {len(replies)} replies"
        return Turn(session or self._newest(known), told)

    def begin(self, cwd: Path, prompt: str, *replies: Any, session: str | None = None) -> Started:
        """The same, left running."""
        self.script(*replies)
        return self.box.start(*self._command(prompt, session), cwd=cwd)

    @contextmanager
    def terminal(self, cwd: Path) -> Iterator[Terminal]:
        """The interactive client, when it takes a prompt."""
        with Terminal(self.box, *self._interactive(), cwd=cwd) as terminal:
            terminal.wait(self.READY)
            yield terminal

    def script(self, *replies: Any) -> None:
        """What the model will say next, and nothing else."""
        self._script.write_text("".join(json.dumps(reply) + "\n" for reply in replies), "utf-8")
        self._script.chmod(0o666)

    def told(self) -> list[str]:
        """What each request of a conversation told the model so far."""
        path = self.box.here(self._out / "requests.jsonl")
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        return [self._told(entry["body"]) for entry in map(json.loads, lines) if entry["asked"]]

    def start_model(self) -> None:
        server = self.box.start("python3", "-m", "real_agents.handover.model", self.id, str(self._out))
        if server.line() != "ready":
            raise RuntimeError(f"the model of {self.id} did not start: {server.said()}")

    def new_session(self, known: set[str]) -> str:
        """Waits for the one session that was not known before."""
        wait_until(lambda: set(self.transcripts()) > known)
        return self._newest(known)

    def wait_written(self, session: str, text: str) -> None:
        """Until the transcript tells of `text`."""
        wait_until(lambda: text in self.transcripts()[session].read_text("utf-8"))

    def _newest(self, known: set[str]) -> str:
        [session] = set(self.transcripts()) - known
        return session

    @abstractmethod
    def _command(self, prompt: str, session: str | None) -> Sequence[str]: ...

    @abstractmethod
    def _interactive(self) -> Sequence[str]: ...

    @abstractmethod
    def _told(self, body: Mapping[str, Any]) -> str: ...
