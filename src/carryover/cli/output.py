"""Words and numbers the way people read them: ages, sizes, short paths; colour only where a terminal wants it."""

from __future__ import annotations

import os
import re
import sys
from typing import Final, TextIO

CONTROL: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Escape sequences and control characters, but for tab and line feed."""

BOLD: Final = "1"
DIM: Final = "2"
YELLOW: Final = "33"

MINUTE_S: Final = 60
HOUR_S: Final = 3600
DAY_S: Final = 86400


def paint(text: str, code: str, stream: TextIO | None = None) -> str:
    """`text` in a terminal style; unchanged when `stream` (default stdout) is no terminal or NO_COLOR is set."""
    target = sys.stdout if stream is None else stream
    if not target.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return f"\x1b[{code}m{text}\x1b[0m"


def harmless(text: str) -> str:
    """`text` without anything a terminal would obey: what is printed comes from other people's programs."""
    return CONTROL.sub("", text)


def one_line(text: str, limit: int) -> str:
    """`text` as one line of at most `limit` characters."""
    line = " ".join(harmless(text).split())
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def print_json(data: object) -> None:
    """`data` as indented JSON on stdout."""
    import msgspec  # whoever has data to print has imported it already, unlike the standard library's json

    try:
        print(msgspec.json.format(msgspec.json.encode(data), indent=2).decode())
    except UnicodeEncodeError:  # a path that is not UTF-8
        import json

        print(json.dumps(data, indent=2))


def ago(at_ms: int | None, now_ms: int) -> str:
    """How long before `now_ms` something was: `3 min ago`; `never` for None."""
    if at_ms is None:
        return "never"
    seconds = max(0, now_ms - at_ms) // 1000
    return "just now" if seconds < 5 else f"{duration(seconds)} ago"


def duration(seconds: float) -> str:
    """A length of time in its largest unit."""
    whole = int(seconds)
    if whole < MINUTE_S:
        return f"{whole} s"
    if whole < HOUR_S:
        return f"{whole // MINUTE_S} min"
    if whole < 2 * DAY_S:
        return f"{whole // HOUR_S} h"
    return f"{whole // DAY_S} days"


def size(count_bytes: int) -> str:
    """A number of bytes in its largest decimal unit."""
    if count_bytes < 1000:
        return f"{count_bytes} B"
    amount = float(count_bytes)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 1000:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1000:.1f} TB"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """`1 event`, `2,000 events`."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"
