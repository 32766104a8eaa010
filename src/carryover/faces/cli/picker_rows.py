"""The rows of the full-screen list, as text with styles, and what is said of its keys. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from carryover.past.live_preview import Item, lit_line
from carryover.past.live_search import Listing
from carryover.terminal.output import columns, cut_to_width, when
from carryover.terminal.table import GAP, Column, table

Row = list[tuple[str, str]]
"""Pieces of text, each with its style before it."""

LIT: Final = "bold underline"
"""The style of words that match, which needs no colour."""
NARROW: Final = 60
"""On a narrower terminal only its time comes before a row's text; the rest is above the preview."""
WIDE: Final = 110
"""From this width on there is room for the kind of a row too."""

HELP: Final = (
    ("↑ ↓", "choose; also j k, page up, page down, g G, the mouse"),
    ("enter", "show the session, or the turn that was found"),
    ("c", "continue in another agent, with the session's handoff as the first prompt"),
    ("r", "resume the session in its own agent"),
    ("y", "copy the handoff, to paste it anywhere"),
    ("/", "search while you type, a phrase in double quotes; ↓ goes back to the list"),
    ("tab", "the filters by agent, project and day, which ← → change; shift-tab goes back"),
    ("a", "list all projects, or this one again"),
    ("d u", "scroll the preview; also shift with ↓ ↑, the mouse wheel over it"),
    ("esc", "back: ends the search; without one, quit"),
    ("q", "quit"),
)
"""Every key, and what it does."""
LIST_KEYS: Final[Sequence[str]] = (
    *("c continue elsewhere", "enter show", "/ search", "? keys", "q quit"),
    *("y copy", "r resume", "a all projects", "tab filters", "d u scroll"),
)
QUERY_KEYS: Final[Sequence[str]] = ("enter show", "↓ list", "tab filters", "esc ends the search", "f1 keys")
FILTER_KEYS: Final[Sequence[str]] = ("←→ change", "tab next", "↓ list", "esc ends the search")
AGENT_KEYS: Final[Sequence[str]] = ("enter continue there", "↑↓ choose", "esc back", "q quit")

_BETWEEN: Final = " · "
_COLUMNS: Final = {"by": Column("", least=6), "project": Column("", least=8, keep_end=True)}
"""Those that may be narrowed."""


def list_rows(listing: Listing, width: int, now_ms: int) -> list[Row]:
    """Returns a row per item: whose and when it is, and as much of its text as has room, with the words lit."""
    if not listing.items:
        return []
    names = ["by", "project", "when", "kind"] if width >= WIDE else ["by", "project", "when"]
    if listing.query.project_id is not None:
        names.remove("project")
    cells = [_cells(item, names if width >= NARROW else ["when"], now_ms) for item in listing.items]
    heads = [_COLUMNS.get(name, Column("")) for name in cells[0]]
    starts = table(heads, [list(row.values()) for row in cells], width // 2)[1:]
    text_at = max(map(columns, starts)) + len(GAP)
    rows = []
    for item, start in zip(listing.items, starts, strict=True):
        line = lit_line(item.line, listing.terms, max(width - text_at - len("……"), 1))
        blanks = " " * (text_at - columns(start))
        rows.append([("", start + blanks), *with_places_lit(line.text, line.places)])
    return rows


def _cells(item: Item, names: Sequence[str], now_ms: int) -> dict[str, str]:
    cells = {"by": item.by, "project": item.project, "when": when(item.at_ms, now_ms), "kind": item.kind}
    return {name: cells[name] for name in names}


def with_places_lit(text: str, places: Iterable[tuple[int, int]], style: str = "") -> Row:
    """Returns `text` in `style`, with the `places` lit."""
    row: Row = []
    written = 0
    for start, end in places:
        row += [(style, text[written:start]), (f"{style} {LIT}".strip(), text[start:end])]
        written = end
    return [piece for piece in (*row, (style, text[written:])) if piece[1]]


def keys_row(parts: Sequence[str], width: int) -> str:
    """Returns as many of the keys as have room."""
    lines = (_BETWEEN.join(parts[:number]) for number in range(len(parts), 0, -1))
    return next((line for line in lines if columns(line) <= width), cut_to_width(parts[0], width))
