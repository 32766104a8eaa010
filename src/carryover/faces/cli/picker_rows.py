"""The rows of the full-screen list, as text with styles. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from carryover.past.live_preview import Item, lit_line
from carryover.past.live_search import Listing
from carryover.terminal.output import columns, fitted, when
from carryover.terminal.table import GAP, Column, table

Row = list[tuple[str, str]]
"""Pieces of text, each with its style before it."""

LIT: Final = "bold underline"
"""The style of words that match, which needs no colour."""
NARROW: Final = 60
"""On a narrower terminal only its time comes before a row's text; the rest is above the preview."""
WIDE: Final = 110
"""From this width on there is room for the kind of a row too."""

_BETWEEN: Final = " · "
_COLUMNS: Final = {"by": Column("", least=6), "project": Column("", least=8, keep_end=True)}
"""Those that may be narrowed."""


def list_rows(listing: Listing, width: int, now_ms: int) -> list[Row]:
    """Returns a row per item: whose and when it is, and as much of its text as has room, with the words lit."""
    if not listing.items:
        return []
    names = ["by", "project", "when", "kind"] if width >= WIDE else ["by", "project", "when"]
    if listing.asked.project_id is not None:
        names.remove("project")
    cells = [_cells(item, names if width >= NARROW else ["when"], now_ms) for item in listing.items]
    heads = [_COLUMNS.get(name, Column("")) for name in cells[0]]
    starts = table(heads, [list(row.values()) for row in cells], width // 2)[1:]
    text_at = max(map(columns, starts)) + len(GAP)
    rows = []
    for item, start in zip(listing.items, starts, strict=True):
        line = lit_line(item.line, listing.terms, max(width - text_at - len("……"), 1))
        blanks = " " * (text_at - columns(start))
        rows.append([("", start + blanks), *styled(line.text, line.places)])
    return rows


def _cells(item: Item, names: Sequence[str], now_ms: int) -> dict[str, str]:
    cells = {"by": item.by, "project": item.project, "when": when(item.at_ms, now_ms), "kind": item.kind}
    return {name: cells[name] for name in names}


def styled(text: str, places: Iterable[tuple[int, int]], style: str = "") -> Row:
    """Returns `text` in `style`, with the `places` lit."""
    row: Row = []
    at = 0
    for start, end in places:
        row += [(style, text[at:start]), (f"{style} {LIT}".strip(), text[start:end])]
        at = end
    return [piece for piece in (*row, (style, text[at:])) if piece[1]]


def keys_row(parts: Sequence[str], width: int) -> str:
    """Returns as many of the keys as have room."""
    lines = (_BETWEEN.join(parts[:number]) for number in range(len(parts), 0, -1))
    return next((line for line in lines if columns(line) <= width), fitted(parts[0], width))
