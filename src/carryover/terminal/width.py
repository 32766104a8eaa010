"""Measures text on a terminal, where characters may be wide, combining or part of a style."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

STYLE: Final = re.compile(r"\x1b\[[\d;]*m")
"""A terminal style, as `paint` adds it; it has no width."""

CUT: Final = "…"
_RESET: Final = "\x1b[0m"
_NO_WIDTH: Final = ("Mn", "Me", "Cf")
"""Unicode categories of characters that are shown on top of another or not at all."""


def columns(text: str) -> int:
    """Returns the number of terminal columns that one line of `text` takes; styles take none."""
    if "\x1b" in text:
        text = STYLE.sub("", text)
    return len(text) if text.isascii() else sum(map(_columns_of, text))


def fitted(text: str, width: int, *, keep_end: bool = False) -> str:
    """Fits one line of `text` into `width` columns. A cut is marked with `…`, in front if `keep_end`.

    Styles are kept, and none is left open.
    """
    if columns(text) <= width:
        return text
    if width < 1:
        return ""
    pieces = list(_pieces(text))
    kept = _taken(pieces[::-1], width - 1)[::-1] if keep_end else _taken(pieces, width - 1)
    # No space is left before the mark, as it would not show.
    line = f"{CUT}{''.join(kept)}" if keep_end else f"{''.join(kept).rstrip()}{CUT}"
    return f"{line}{_RESET}" if "\x1b" in line and not line.endswith(_RESET) else line


def padded(text: str, width: int, *, right: bool = False) -> str:
    """Pads `text` with spaces to `width` columns; with `right`, on the left side."""
    blanks = " " * (width - columns(text))
    return f"{blanks}{text}" if right else f"{text}{blanks}"


def _taken(pieces: list[str], width: int) -> list[str]:
    """Returns the first pieces that fit into `width`, and every style."""
    kept, used, full = [], 0, False
    for piece in pieces:
        is_style = piece.startswith("\x1b")
        used += 0 if is_style else _columns_of(piece)
        full = full or used > width
        if is_style or not full:
            kept.append(piece)
    return kept


def _pieces(text: str) -> Iterator[str]:
    end = 0
    for style in STYLE.finditer(text):
        yield from text[end : style.start()]
        yield style[0]
        end = style.end()
    yield from text[end:]


def _columns_of(char: str) -> int:
    if char.isascii():
        return 1
    import unicodedata  # most text does not need it

    if unicodedata.category(char) in _NO_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
