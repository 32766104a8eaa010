"""Prints for people, documents and data, and formats what is printed: ages, sizes, colour, width, progress."""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, TextIO, TypeVar

from carryover.errors import ExitCode, UserError
from carryover.terminal.streams import RESET, STYLE, shown, shown_lines, styled, write_exactly, write_line
from carryover.text.pattern import later

_T = TypeVar("_T")
BOLD: Final = "1"
DIM: Final = "2"
RED: Final = "31"
GREEN: Final = "32"
YELLOW: Final = "33"
CYAN: Final = "36"

_MARK_STYLES: Final = {"✓": GREEN, "⚠": YELLOW, "✗": RED}

MINUTE_S: Final = 60
HOUR_S: Final = 3600
_DAY_S: Final = 86400
_AGO_FOR_S: Final = 14 * _DAY_S
"""Older times are shown as a date."""

USUAL_WIDTH: Final = 80
NARROWEST: Final = 40
"""Narrower terminals are treated as this wide, and break the lines themselves."""

BAR_WIDTH: Final = 12
SLOW_S: Final = 1.0
"""What takes longer is said to be under way."""

_CUT: Final = "…"
_TO_LINE_START: Final = "\r\x1b[K"
_NO_WIDTH: Final = ("Mn", "Me", "Cf")
"""Unicode categories of characters that are shown on top of another or not at all."""
_PIECE: Final = later(rf"{STYLE.pattern}|.", re.DOTALL)
_WORD: Final = later(r"(?:`[^`]*`|\S)+")
"""A unit that is not broken across lines: a word, or a command in backquotes."""
_MARKED: Final = later(r"^( *)([✓⚠✗]) ")
_MARGIN: Final = later(r" *(?:[✗✓⚠·→] |\S+(?: \S+)* {2,})?")
"""Determines the indent of continuation lines: a mark, or a name in its own column."""


def terminal_width(stream: TextIO | None = None) -> int | None:
    """Returns the columns of the terminal behind `stream` (default stdout); None if it is not a terminal."""
    target = sys.stdout if stream is None else stream
    try:
        if not target.isatty():
            return None
        wide = int(os.environ.get("COLUMNS") or 0) or os.get_terminal_size(target.fileno()).columns
        return max(wide, NARROWEST)
    except (OSError, ValueError):  # closed, or not a file at all
        return None


def can_ask() -> bool:
    """Whether a person is at a terminal and can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def agree(args: argparse.Namespace, question: str, *, nothing: str = "changed", otherwise: str = "") -> None:
    """Asks `question`, unless --yes has answered it.

    Raises UserError: INTERRUPTED if the user says no, REFUSED if there is no one to ask, as with --json. `nothing` was
    done then; `otherwise`: what to do instead.
    """
    if args.yes:
        return
    why, instead = "There is no terminal to ask on", "Run it on a terminal, or with --yes."
    if args.json:
        why, instead = "--json asks nothing", "Run it with --yes."
    if args.json or not can_ask():
        raise UserError(f"{why}, so nothing was {nothing}. {otherwise or instead}", ExitCode.REFUSED)
    try:
        answer = answer_to(f"{question} [y/N] ").strip().lower()
    except KeyboardInterrupt:
        write_line("", error=True)  # the terminal shows ^C behind the question
        answer = ""
    if answer not in ("y", "yes"):
        raise UserError(f"Nothing was {nothing}.", ExitCode.INTERRUPTED)


def answer_to(question: str) -> str:
    """Returns what the user types; empty if they end the input."""
    try:
        return input(shown_lines(shown(question)))  # Python itself writes it, not to the stream
    except EOFError:
        return ""


def print_result(args: argparse.Namespace, data: object, lines: Iterable[str], *, fits: bool = False) -> None:
    """Prints `data` as JSON if the user gave --json, otherwise `lines`, as they are if each `fits` the terminal."""
    if args.json:
        print_json(data)
    else:
        print_lines(lines, fits=fits)


def say(*lines: str, fits: bool = False) -> None:
    """Prints lines as `print_lines` does."""
    print_lines(lines, fits=fits)


def print_lines(lines: Iterable[str], *, fits: bool = False) -> None:
    """Prints each line; on a terminal, wraps it between words, unless each `fits`, and colours a leading mark.

    Line breaks in a line's text do not start a new one.
    """
    width = terminal_width()
    for line in lines:
        text = shown(line)
        if not fits and (marked := _MARKED.match(text)):
            text = f"{marked[1]}{paint(marked[2], _MARK_STYLES[marked[2]])} {text[marked.end() :]}"
        for row in [text] if fits or width is None else wrapped(text, width).split("\n"):
            write_line(row)


def warn(*lines: str) -> None:
    """Prints lines to standard error; on a terminal, wraps them between words."""
    width = terminal_width(sys.stderr)
    for line in lines:
        text = shown(line)
        for row in [text] if width is None else wrapped(text, width).split("\n"):
            write_line(row, error=True)


def print_document(text: str) -> None:
    """Prints text byte for byte into a pipe or a file; to a terminal, each of its lines as any other."""
    write_exactly(shown_lines(text) if sys.stdout.isatty() else text, sys.stdout)


def copied_by_terminal(text: str) -> bool:
    """Has the terminal put `text` on the clipboard (OSC 52), over ssh too; returns False if there is none."""
    if not sys.stdout.isatty():
        return False
    import base64

    write_exactly(f"\x1b]52;c;{base64.b64encode(text.encode('utf-8', 'replace')).decode()}\x07", sys.stdout)
    sys.stdout.flush()
    return True


def wrapped(line: str, width: int) -> str:
    """Breaks `line` into lines of at most `width` columns if its words allow that; continuation lines are indented."""
    if columns(line) <= width:
        return line
    margin = _MARGIN.match(STYLE.sub("", line))
    indent = margin.end() if margin is not None and margin.end() <= width // 2 else 2
    rows, row, end = [], "", 0
    for word in _WORD.finditer(line):
        gap = line[end : word.start()]
        if row.strip() and columns(row + gap + word[0]) > width:
            rows.append(row)
            row = " " * indent + word[0]
        else:
            row += gap + word[0]
        end = word.end()
    return "\n".join([*rows, row])


def columns(text: str) -> int:
    """Returns the number of terminal columns that one line of `text` takes; styles take none."""
    if "\x1b" in text:
        text = STYLE.sub("", text)
    return len(text) if text.isascii() else sum(map(_columns_of, text))


def cut_to_width(text: str, width: int, *, keep_end: bool = False) -> str:
    """Fits one line of `text` into `width` columns. A cut is marked with `…`, in front if `keep_end`.

    Styles are kept, and none is left open.
    """
    if columns(text) <= width:
        return text
    if width < 1:
        return ""
    kept, used = [], 0
    pieces = _PIECE.findall(text)
    for piece in reversed(pieces) if keep_end else pieces:
        is_style = piece.startswith("\x1b")
        used += 0 if is_style else _columns_of(piece)
        if is_style or used < width:
            kept.append(piece)
    # No space is left before the mark, as it would not show.
    line = f"{_CUT}{''.join(reversed(kept))}" if keep_end else f"{''.join(kept).rstrip()}{_CUT}"
    return f"{line}{RESET}" if "\x1b" in line and not line.endswith(RESET) else line


def _columns_of(char: str) -> int:
    if char.isascii():
        return 1
    import unicodedata  # most text does not need it

    if unicodedata.category(char) in _NO_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def wants_colour() -> bool:
    """Whether stdout gets colour: not with NO_COLOR, else with FORCE_COLOR or on a terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def paint(text: str, code: str) -> str:
    """Returns `text` in a terminal style; unchanged if stdout gets no colour."""
    return styled(text, code) if wants_colour() else text


def print_json(data: object) -> None:
    """Prints `data` as JSON on stdout, indented."""
    write_exactly(f"{as_json(data, in_one_line=False)}\n", sys.stdout)


def as_json(data: object, *, in_one_line: bool = True) -> str:
    """Returns `data` as JSON, as `printable_json` does."""
    import msgspec  # a command with data to print has imported it already, unlike the standard library's json

    try:
        encoded = msgspec.json.encode(data)
        text = (encoded if in_one_line else msgspec.json.format(encoded, indent=2)).decode()
    except UnicodeEncodeError:  # a path that is not UTF-8
        import json

        text = json.dumps(msgspec.to_builtins(data), indent=None if in_one_line else 2)
    return printable_json(text)


def printable_json(text: str) -> str:
    """Returns JSON in which all that is not printable is written as escapes, which mean the same."""
    return "\n".join(line if line.isprintable() else "".join(map(_in_json, line)) for line in text.split("\n"))


def _in_json(sign: str) -> str:
    if sign.isprintable():
        return sign
    units = sign.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def ago(at_ms: int | None, now_ms: int) -> str:
    """Formats the time from `at_ms` to `now_ms` as an age: `3 min ago`; `never` for None."""
    if at_ms is None:
        return "never"
    seconds = max(0, now_ms - at_ms) // 1000
    return "just now" if seconds < 5 else f"{duration(seconds)} ago"


def when(at_ms: int, now_ms: int) -> str:
    """Formats a time as people say it: `2 h ago`, or a local date if it is older than two weeks; `?` if unknown."""
    if not at_ms or now_ms - at_ms < _AGO_FOR_S * 1000:
        return ago(at_ms, now_ms) if at_ms else "?"
    return local_time(at_ms)[: len("2026-11-20")]


def to_the_minute(at_ms: int, now_ms: int) -> str:
    """Formats a time as `2 h ago`, or `2026-11-20 14:30` if it is older than a day; `?` if unknown."""
    is_recent = now_ms - at_ms < _DAY_S * 1000
    return when(at_ms, now_ms) if is_recent else local_time(at_ms)


def local_time(at_ms: int) -> str:
    """Formats a time as `2026-11-20 14:30`, local; `?` if it is unknown."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at_ms / 1000)) if at_ms else "?"


def duration(seconds: float) -> str:
    """Formats a length of time in its largest unit."""
    whole = int(seconds)
    if whole < MINUTE_S:
        return f"{whole} s"
    if whole < HOUR_S:
        return f"{whole // MINUTE_S} min"
    return f"{whole // HOUR_S} h" if whole < 2 * _DAY_S else f"{whole // _DAY_S} days"


def size(count_bytes: int) -> str:
    """Formats a number of bytes in its largest decimal unit."""
    if count_bytes < 1000:
        return f"{count_bytes} B"
    amount, unit = count_bytes / 1000, "kB"
    for larger in ("MB", "GB", "TB"):
        if amount >= 1000:
            amount, unit = amount / 1000, larger
    return f"{amount:.1f} {unit}"


def rounded(number: int) -> str:
    """Formats a large number in thousands, millions or billions: `1.2 M`."""
    amount: float = number
    for unit in ("", " k", " M"):
        if amount < 1000:
            return f"{amount:.1f}{unit}" if unit else str(number)
        amount /= 1000
    return f"{amount:,.1f} G"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Formats a count: `1 event`, `2,000 events`."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def did_you_mean(given: str, known: Collection[str], named: Mapping[str, str] = {}) -> str:
    """Returns `; did you mean 'status'?` for a misspelling of one of `known`, otherwise an empty string. `named` has
    the whole names of those that are parts of one."""
    from difflib import get_close_matches  # only needed for misspellings

    beginning = [name for name in known if given and name.startswith(given.lower())]
    found = beginning or get_close_matches(given.lower(), known, n=1, cutoff=0.6)
    return f"; did you mean {named.get(found[0], found[0])!r}?" if found else ""


class Progress:
    """Shows on standard error, if that is a terminal, how far a task has come, from `after_s` on, and until its block
    ends."""

    def __init__(self, *, after_s: float = 0.0) -> None:
        self._shown_from_s = time.monotonic() + after_s if sys.stderr.isatty() else float("inf")
        self._is_shown = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._is_shown:
            _in_place("")

    def update(self, share: float, text: str) -> None:
        """Shows `text` beside a bar; `share` is the fraction done, from 0 to 1."""
        if time.monotonic() >= self._shown_from_s:
            filled = round(BAR_WIDTH * min(max(share, 0.0), 1.0))
            line = shown(f"[{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {text}")
            _in_place(cut_to_width(line, (terminal_width(sys.stderr) or USUAL_WIDTH) - 1))
            self._is_shown = True

    def each(self, items: Sequence[_T], noun: str, done: str) -> Iterator[_T]:
        """Yields `items`, and shows before each how many are done: `3 of 40 files read`."""
        for number, item in enumerate(items):
            self.update(number / len(items), f"{number:,} of {counted(len(items), noun)} {done}")
            yield item


@contextmanager
def waiting_for(what: str) -> Iterator[None]:
    """Shows on standard error, if that is a terminal, what is waited for, where that takes longer than `SLOW_S`."""
    if not sys.stderr.isatty():
        yield
        return
    from threading import Event, Thread  # not at the top: most commands wait for nothing

    done = Event()

    def show() -> None:
        if not done.wait(SLOW_S):
            _in_place(f"{what} ...")
            done.wait()
            _in_place("")

    shows = Thread(target=show, daemon=True)
    shows.start()
    try:
        yield
    finally:
        done.set()
        shows.join()


def _in_place(line: str) -> None:
    """Shows a line on standard error in place of the last."""
    write_exactly(f"{_TO_LINE_START}{shown_lines(line)}", sys.stderr)
    sys.stderr.flush()
