"""Aider in the matrix of hand-overs: histories as 0.86.2 writes them. It has no hooks and reads no instruction file, so
it has the handoff by its list of files to read, which `carryover to aider` gives on the command line."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from agents.aider.chats import type_now
from agents.aider.contract_case import HISTORY, INPUTS
from carryover.agents.aider import SPEC
from carryover.daemon.client import ask_daemon
from carryover.paths import StateDir
from matrix.tool import Ending, Played, Tool
from support.aged import there_for_a_while

LIMIT = (
    "> litellm.RateLimitError: RateLimitError: OpenAIException - You exceeded your current quota.  \n"
    "> The API provider has rate limited you. Try again later or check your quotas.  \n"
)


class AiderPlayed:
    """See `matrix.tool.Played`."""

    def __init__(self, home: Path, folder: Path, now: datetime, *, announced: bool = True) -> None:
        self._root = next(place for place in (folder, *folder.parents) if (place / ".git").exists())
        self._began = self._now = now.astimezone()
        type_now(self._root, "/tokens")  # without an input nobody can know whose history it is
        if not (self._root / HISTORY).exists():
            there_for_a_while(self._root / HISTORY)
        self._write(
            f"\n# aider chat started at {self._now:%Y-%m-%d %H:%M:%S}\n\n"
            "> /home/dev/.local/bin/aider --test-cmd python3 -m unittest -q  \n"
            "> Aider v0.86.2  \n> Main model: openai/gpt-4o with diff edit format  \n"
        )
        if announced:
            # As `carryover handoff` in the project does it: nothing else makes a project of Aider's alone known.
            socket = StateDir(home / ".carryover").socket
            ask_daemon(socket, "POST", "/settle", {"root": self._root}, timeout_s=30)

    @property
    def session(self) -> str:
        return f"{self._began:%Y%m%d-%H%M%S}-{(self._root / HISTORY).stat().st_ino:x}"

    def prompt(self, text: str) -> None:
        self._input(text)

    def edit(self, path: Path, old: str, new: str) -> None:
        shown = path.relative_to(self._root) if path.is_relative_to(self._root) else path
        self._answer(f"{shown}\n```python\n<<<<<<< SEARCH\n    {old}\n=======\n    {new}\n>>>>>>> REPLACE\n```")
        self._write(f"> Applied edit to {shown}  \n")

    def run(self, command: str, output: str, exit_code: int) -> None:
        lines = f"> Added {output.count(chr(10))} lines of output to the chat.  \n"
        if "unittest" in command:
            self._input("/test")
            self._write(lines if exit_code else "")
        else:
            self._input(f"/run {command}")
            self._write(f"> Add 0.2k tokens of command output to the chat? (Y)es/(N)o [Yes]: y  \n{lines}")

    def say(self, text: str) -> None:
        self._answer(text)

    def end(self, how: Ending) -> None:
        """A client that is killed writes nothing any more, and what one compacts it writes nowhere."""
        if how == "limit":
            self._write(LIMIT)
        elif how == "closed":
            self._input("/exit")

    def _answer(self, text: str) -> None:
        self._write(f"\n{text}\n\n> Tokens: 2.7k sent, 14 received. Cost: $0.0070 message, $0.0070 session.  \n")

    def _input(self, text: str) -> None:
        self._now += timedelta(seconds=1)
        with (self._root / INPUTS).open("a") as file:
            file.write(f"\n# {self._now:%Y-%m-%d %H:%M:%S.%f}\n+{text}\n")
        type_now(self._root, "/tokens")  # the session is of the past, but the last input is to be of now
        self._write(f"\n#### {text}  \n")

    def _write(self, text: str) -> None:
        with (self._root / HISTORY).open("a") as file:
            file.write(text)


def _reads(root: Path, _folder: Path) -> str:
    assert SPEC.start is not None
    names = SPEC.start.arguments("", ".carryover/handoff.md")
    files = [root / name for before, name in pairwise(names) if before == "--read"]
    return "\n".join(file.read_text() for file in files if file.exists())


def _play(home: Path, folder: Path, now: datetime) -> Played:
    return AiderPlayed(home, folder, now)


SILENT = frozenset(("failing test", "dead end"))
"""The output of commands is not in the history, nor how they ended."""
TOOLS = (Tool(id="aider", agent="aider", play=_play, reads=_reads, timed=False, silent_on=SILENT),)
