"""Standard output and standard error. All that is written to them passes here, so no text acts on the terminal: what it
would obey, hide or reorder is shown as escapes. A style is a mark that no text from outside can hold."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from io import TextIOWrapper
from typing import Final, TextIO

from carryover.errors import visible
from carryover.text.pattern import later

_MARK: Final = f"\x1b[{int.from_bytes(os.urandom(8), 'big')};"
"""Begins a style. It is drawn again in each process, so a transcript can't hold it."""
STYLE: Final = later(rf"{re.escape(_MARK)}[\d;]*m")
"""A terminal style, as `styled` adds it; it has no width."""
RESET: Final = f"{_MARK}0m"

_KEPT: Final = later(rf"{STYLE.pattern}|\t")
_STANDARD: Final[Mapping[str, int]] = {"stdin": os.O_RDONLY, "stdout": os.O_RDONLY, "stderr": os.O_WRONLY}


def styled(text: str, code: str) -> str:
    """Returns `text` in the terminal style `code`; the style shows where the text is printed."""
    return f"{_MARK}{code}m{text}{RESET}"


def shown(line: str) -> str:
    """Returns one line as `visible` does, but keeps tabs and the styles that `styled` added."""
    if line.isprintable():
        return line
    kept = [*_KEPT.findall(line), ""]
    return "".join(f"{visible(piece)}{between}" for piece, between in zip(_KEPT.split(line), kept, strict=True))


def shown_lines(text: str) -> str:
    """Returns `text` as the terminal may get it: each line as `shown` returns it, with real styles."""
    return "\n".join(map(shown, text.split("\n"))).replace(_MARK, "\x1b[")


class SafeOutput(TextIOWrapper):
    """Stands for `stream`, which stays open. Nothing can be written on it but text: also what Python and libraries
    print, as a traceback."""

    def __init__(self, stream: TextIOWrapper) -> None:
        # Not every terminal can show every path or transcript.
        super().__init__(
            stream.buffer,
            encoding=stream.encoding,
            errors="replace",
            line_buffering=stream.line_buffering,
            write_through=stream.write_through,
        )
        self._stream = stream

    def write(self, text: str) -> int:
        """Writes `text` as `shown_lines` returns it."""
        super().write(shown_lines(text))
        return len(text)

    def write_exactly(self, text: str) -> None:
        """Writes `text` as it is."""
        super().write(text)

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        return self._stream.isatty()

    def close(self) -> None:
        """Writes what is left: the interpreter closes what it finds no longer used."""
        if not self.buffer.closed:
            self.flush()


def guard() -> None:
    """Has standard output and error accept text alone. Opens the null device for streams that the caller closed."""
    # Python sets those to None. Writes to a closed standard output then fail; otherwise the next file that is opened
    # would get its descriptor.
    for name, flags in _STANDARD.items():
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, flags)
            setattr(sys, name, os.fdopen(descriptor, "r" if name == "stdin" else "w"))
        stream = getattr(sys, name)
        if name != "stdin" and isinstance(stream, TextIOWrapper) and not isinstance(stream, SafeOutput):
            setattr(sys, name, SafeOutput(stream))


def in_utf8() -> None:
    """Starts this program again in Python's UTF-8 mode where the locale is another (ISO 8859-1): transcripts, git and
    the ledger name folders in UTF-8 all the same."""
    if sys.getfilesystemencoding() != "utf-8" and "utf8" not in sys._xoptions:
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])


def silence_stdout() -> None:
    """Discards unwritten output. Otherwise the interpreter reports the error again when it flushes at exit."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    os.close(devnull)


def is_terminal() -> bool:
    """Whether standard output is a terminal."""
    return sys.stdout.isatty()


def flush() -> None:
    """Has all that was printed reach its reader."""
    sys.stdout.flush()


def write_line(line: str, *, error: bool = False) -> None:
    """Prints one line, as it fits, to standard output, or else to standard `error`."""
    if error:  # what was printed before stands before it, also where both go into one file
        with suppress(OSError, ValueError):  # the last flush says so
            sys.stdout.flush()
    write_exactly(f"{shown_lines(shown(line))}\n", sys.stderr if error else sys.stdout)


def write_exactly(text: str, stream: TextIO) -> None:
    """Writes `text` as it is: for what this package itself has a terminal do, and for what is safe already."""
    if isinstance(stream, SafeOutput):
        stream.write_exactly(text)
    else:
        stream.write(text)
