"""How wide text is on a terminal: wide characters, combining ones and styles counted as a terminal shows them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

STYLE: Final = re.compile(r"\x1b\[[\d;]*m")
"""A terminal style, as `paint` sets it: has no width."""

CUT: Final = "…"
_RESET: Final = "\x1b[0m"
_NO_WIDTH: Final = ("Mn", "Me", "Cf")
"""Unicode categories of characters that are shown on top of another one, or not at all."""


def columns(text: str) -> int:
    """The number of terminal columns that one line of `text` takes; styles take none."""
    if "\x1b" in text:
        text = STYLE.sub("", text)
    return len(text) if text.isascii() else sum(map(_columns_of, text))


def fitted(text: str, width: int, *, keep_end: bool = False) -> str:
    """One line of `text` in at most `width` columns. What is cut off leaves `…`; with `keep_end` it goes in front.

    Styles stay, and none is left open.
    """
    if columns(text) <= width:
        return text
    if width < 1:
        return ""
    pieces = list(_pieces(text))
    kept = _taken(pieces[::-1], width - 1)[::-1] if keep_end else _taken(pieces, width - 1)
    # At the end no blank is left before the mark, as no blank would show.
    line = f"{CUT}{''.join(kept)}" if keep_end else f"{''.join(kept).rstrip()}{CUT}"
    return f"{line}{_RESET}" if "\x1b" in line and not line.endswith(_RESET) else line


def padded(text: str, width: int, *, right: bool = False) -> str:
    """`text` filled with blanks to `width` columns; with `right` the blanks go in front."""
    blanks = " " * (width - columns(text))
    return f"{blanks}{text}" if right else f"{text}{blanks}"


def _taken(pieces: list[str], width: int) -> list[str]:
    """The first pieces that fit into `width`, and every style."""
    kept, used, full = [], 0, False
    for piece in pieces:
        is_style = piece.startswith("\x1b")
        used += 0 if is_style else _columns_of(piece)
        full = full or used > width
        if is_style or not full:
            kept.append(piece)
    return kept


def _pieces(text: str) -> Iterator[str]:
    """The characters and the styles of `text`, each by itself."""
    end = 0
    for style in STYLE.finditer(text):
        yield from text[end : style.start()]
        yield style[0]
        end = style.end()
    yield from text[end:]


def _columns_of(char: str) -> int:
    if char.isascii():
        return 1
    import unicodedata  # most text needs none of it

    if unicodedata.category(char) in _NO_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
