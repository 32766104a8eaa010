"""`.aider.input.history`: what was typed, with the time of each input. The chat history itself dates only sessions."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from carryover.readers.files import open_regular

NAME: Final = ".aider.input.history"
READ_BYTES: Final = 4 << 20
"""How much of it one read takes into account."""

_AHEAD: Final = 300
"""Inputs that may have been given in between: answers to questions are inputs too."""
_EARLIER_MS: Final = 1_500
"""A session's header has whole seconds, and the first question may be answered before it is written."""
_STAMP: Final = re.compile(r"# (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?)")


class Input(msgspec.Struct, frozen=True):
    """One input. `end` is the offset in bytes after it."""

    at_ms: int
    text: str
    end: int


class Inputs:
    """The inputs from an offset on. `at` moves forward as they are found again in the chat history."""

    def __init__(self, inputs: list[Input], at: int) -> None:
        self._inputs = inputs
        self._next = 0
        self.at = at

    @property
    def known(self) -> bool:
        """Whether there are any, so that a prompt which is not among them is doubtful."""
        return bool(self._inputs)

    def confirm(self, text: str, *, after_ms: int) -> bool:
        """Whether this text was typed, after a time."""
        return self._find(text, after_ms) is not None

    def take(self, text: str, *, after_ms: int) -> int | None:
        """When this text was typed, UTC milliseconds; what was typed before it is passed. None where it was not."""
        found = self._find(text, after_ms)
        if found is None:
            return None
        self._next = found + 1
        self.at = self._inputs[found].end
        return self._inputs[found].at_ms

    def _find(self, text: str, after_ms: int) -> int | None:
        wanted = plain(text)
        earliest_ms = after_ms - _EARLIER_MS
        while self._next < len(self._inputs) and self._inputs[self._next].at_ms < earliest_ms:
            self._next += 1
        # What is typed between `{` and `}` is one prompt, and an input for each line.
        wanted_any = (wanted, wanted.partition("\n")[0])
        ahead = range(self._next, min(self._next + _AHEAD, len(self._inputs)))
        return next((at for at in ahead if self._inputs[at].text in wanted_any), None)


def local_ms(stamp: str) -> int:
    """UTC milliseconds of a local time as Aider writes it; 0 for one that there is not."""
    try:
        return max(0, round(datetime.fromisoformat(stamp).timestamp() * 1000))
    except (ValueError, OverflowError, OSError):
        return 0


def plain(text: str) -> str:
    """A text as both histories have it: line ends and the blanks before them differ."""
    return "\n".join(line.rstrip() for line in text.splitlines()).strip()


def inputs_of(history: Path) -> Path:
    """The input history that belongs to a chat history: beside it, or at the top of the repository if the latter was
    moved to a folder below."""
    beside = history.with_name(NAME)
    if beside.exists():
        return beside
    top = next((folder for folder in history.parents if (folder / ".git").exists()), history.parent)
    return top / NAME


def read_inputs(path: Path, at: int) -> Inputs:
    """The inputs from an offset on; none where the file can't be read, all from the start where it became shorter."""
    try:
        descriptor = open_regular(path)
    except OSError:
        return Inputs([], 0)
    try:
        if os.fstat(descriptor).st_size < at:
            at = 0
        data = os.pread(descriptor, READ_BYTES, at)
    except OSError:
        return Inputs([], 0)
    finally:
        os.close(descriptor)
    return Inputs(list(_inputs(data, at, local_ms)), at)


def _inputs(data: bytes, start: int, ms_of: Callable[[str], int]) -> list[Input]:
    found: list[Input] = []
    stamp_ms: int | None = None
    text: list[str] = []
    end = start
    for raw in data.splitlines(keepends=True):
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        if line.startswith("+") and stamp_ms is not None:
            text.append(line[1:])
            end += len(raw)
            continue
        if stamp_ms is not None and text:
            found.append(Input(stamp_ms, plain("\n".join(text)), end))
        text = []
        end += len(raw)
        stamp = _STAMP.fullmatch(line)
        stamp_ms = ms_of(stamp[1]) if stamp else stamp_ms if not line else None
    if stamp_ms is not None and text:
        found.append(Input(stamp_ms, plain("\n".join(text)), end))
    return found
