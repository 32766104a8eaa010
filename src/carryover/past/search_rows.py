"""What interactive search draws: rows of styled text, none wider than the terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from carryover.ledger.search_text import Term, excerpt, spans
from carryover.past.search_records import Filter, Line, Preview
from carryover.past.search_state import SearchState
from carryover.terminal.output import columns, counted, fitted, when, wrapped
from carryover.terminal.table import GAP, Column, table

Row = list[tuple[str, str]]
"""Pieces of text, each with its style before it."""

LIT: Final = "bold underline"
"""The style of words that match, which needs no colour."""
NARROW: Final = 60
"""On a narrower terminal only its time stands before a hit; the rest stands above the turn."""
WIDE: Final = 110
"""From this width on there is room for the kind of a hit too."""
BEFORE_MATCH: Final = 2
"""How many rows before the match the preview begins."""

HELP: Final = (
    ("type", "words to find; a phrase in double quotes"),
    ("↑ ↓", "choose; also ctrl-p, ctrl-n, page up, page down, the mouse"),
    ("enter", "show the turn"),
    ("alt-c", "continue from there in an agent, with the session's handoff as the first prompt"),
    ("alt-r", "resume the session in its own agent"),
    ("tab", "the next filter: agent, project, day; shift-tab goes back, ← → change it"),
    ("⇧ ↑ ↓", "scroll the turn; also the mouse wheel over it"),
    ("ctrl-u", "clear the query; ctrl-w deletes a word"),
    ("esc", "leave"),
    ("c r", "continue, resume, once the list has the focus: after an arrow key or a click"),
    ("j k", "the same: choose; g and G go to the first and the last"),
    ("d u", "the same: scroll the turn"),
    ("/", "back to the query"),
)

_BETWEEN: Final = " · "
_AGENT: Final = Column("", least=6)
_PROJECT: Final = Column("", least=8, keep_end=True)
_KEPT: Final = Column("")


def filter_row(state: SearchState, width: int) -> Row:
    """Returns what the filters are set to, the current one marked, and how much was found; as much as has room."""
    settings = [("", _setting(each)) for each in state.filters]
    few = [("", _setting(each)) for each in state.filters if each.at]
    if state.filter_at is not None:
        few = [("reverse", f"‹ {_setting(state.filters[state.filter_at])} ›")]
        settings[state.filter_at] = few[0]
    found = ("", _found(state))
    rows = [_joined(pieces) for pieces in ([*settings, found], [*few, found], few)]
    return next((row for row in rows if _columns(row) <= width), _cut(rows[-1], width))


def _setting(given: Filter) -> str:
    return f"{given.name}: {given.chosen.label}"


def _found(state: SearchState) -> str:
    """Says how much was found; `…` while the answer to this query is still to come."""
    found = ""
    if state.listing is not None and state.listing.terms:
        more = "more than " if state.listing.more else ""
        found = f"{more}{counted(len(state.items), 'hit')}"
    return found if state.is_answered else f"{found} …".strip()


def note_row(state: SearchState, width: int) -> Row:
    """Returns in what way the list is not what was asked for."""
    return _cut([("bold", state.listing.note if state.listing is not None else "")], width)


def list_rows(state: SearchState, width: int, now_ms: int) -> list[Row]:
    """Returns a row per hit, the selected one marked, the words lit."""
    if state.listing is None or not state.items:
        nothing = "Nothing that is recorded matches." if state.is_answered else ""
        return [_cut([("", nothing)], width)]
    terms = state.listing.terms
    begins = _begins(state, width, now_ms)
    room = width - max(map(columns, begins)) - len(GAP)
    rows = list[Row]()
    for number, (item, begin) in enumerate(zip(state.items, begins, strict=True)):
        style = "reverse" if number == state.at else ""
        blanks = " " * (width - room - columns(begin))
        text, places = _excerpt(item.line, terms, room)
        rows.append(_cut([(style, begin + blanks), *lit(text, places, style)], width))
    return rows


def _begins(state: SearchState, width: int, now_ms: int) -> list[str]:
    """Returns what stands before the text of each hit."""
    assert state.listing is not None
    heads = [_KEPT]
    if width >= NARROW:
        heads = [_AGENT, _KEPT]
        if state.listing.asked.project_id is None:
            heads = [_AGENT, _PROJECT, _KEPT]
    if width >= WIDE:
        heads.append(_KEPT)
    rows = []
    for item in state.items:
        cells = [when(item.hit.at_ms, now_ms)]
        if _AGENT in heads:
            cells = [item.agent, *([item.project] if _PROJECT in heads else []), *cells]
        rows.append([*cells, item.hit.kind] if width >= WIDE else cells)
    return table(heads, rows, width // 2)[1:]


@lru_cache(maxsize=256)  # the list is drawn again at each key
def _excerpt(line: str, terms: tuple[Term, ...], room: int) -> tuple[str, list[tuple[int, int]]]:
    """Returns the part of a hit with most of the words, as much as has room, and where they are."""
    text = excerpt(line, terms, max(room - len("……"), 1))
    return text, word_places(text, terms)


def title_row(state: SearchState, width: int) -> Row:
    """Returns the line between the list and what is below: the command that shows the turn, and whose it is."""
    title = ""
    if state.shows_keys:
        title = "keys"
    elif state.mode == "agents":
        title = "continue in"
    elif state.shown is not None:
        title = state.shown.title
    row = _cut([("", "── "), ("bold", title)] if title else [], width - 1)
    return [*row, ("", f" {'─' * (width - _columns(row) - 1)}" if title else "─" * width)]


class Rows(NamedTuple):
    """The rows of a text, of which as many are shown as have room."""

    rows: list[Row]
    first: int = 0
    """The one to begin with."""

    def top(self, scrolled: int, height: int) -> int:
        """Returns the row at the top of a window of this height."""
        return max(min(self.first + scrolled, len(self.rows) - height), 0)


def turn_rows(preview: Preview, width: int) -> Rows:
    """Returns the turn, which begins near the match."""
    rows = list[Row]()
    first = 0
    for number, line in enumerate(preview.lines):
        match = line.places[0][0] if line.places else 0
        for start, end in row_bounds(line.text, width):
            if number == preview.match and start <= match:
                first = len(rows)
            rows.append(_part(line, start, end, width))
    return Rows(rows, max(first - BEFORE_MATCH, 0))


def other_rows(state: SearchState, width: int) -> Rows:
    """Returns the agents that can take over, or the keys."""
    rows = list[Row]()
    if state.shows_keys:
        for key, does in HELP:
            rows += [[("", row)] for row in wrapped(f"{key:<6}  {does}", width).split("\n")]
        return Rows(rows)
    for number, (_, name) in enumerate(state.offered):
        is_chosen = number == state.agent_at
        rows.append(_cut([("reverse" if is_chosen else "", f"{'›' if is_chosen else ' '} {name}")], width))
    return Rows(rows, max(state.agent_at - BEFORE_MATCH, 0))


def keys_row(state: SearchState, width: int) -> Row:
    """Returns the available keys, as many as have room, or the message about the last key."""
    if state.said:
        return _cut([("bold", state.said)], width)
    if state.shows_keys:
        parts = ["any key goes back"]
    elif state.mode == "agents":
        parts = ["enter continue there", "↑↓ choose", "esc back"]
    elif state.filter_at is not None:
        parts = ["←→ change", "tab next", "esc leave", "enter show"]
    elif state.mode == "list":
        parts = ["enter show", "c continue", "r resume", "/ query", "tab filter", "? keys", "d u scroll", "q leave"]
    else:
        parts = ["enter show", "↑↓ choose", "tab filter", "esc leave", "f1 keys", "alt-c continue", "alt-r resume"]
    lines = (_BETWEEN.join(parts[:number]) for number in range(len(parts), 0, -1))
    return [("", next((line for line in lines if columns(line) <= width), fitted(parts[0], width)))]


def word_places(text: str, terms: Sequence[Term]) -> list[tuple[int, int]]:
    """Returns where `terms` are in `text`, at the beginning of words and of parts of names: start and end, in order."""
    return [(start, end) for start, end in spans(text, terms) if _begins_word(text, start)]


def _begins_word(text: str, start: int) -> bool:
    before = text[start - 1 : start]
    first = text[start]
    is_hump = first.isupper() or first.isalpha() != before.isalpha()
    return not before.isalnum() or not first.isascii() or is_hump


def lit(text: str, places: Iterable[tuple[int, int]], style: str) -> Row:
    """Returns `text` in `style`, with the `places` lit."""
    row: Row = []
    at = 0
    for start, end in places:
        row += [(style, text[at:start]), (f"{style} {LIT}".strip(), text[start:end])]
        at = end
    return [piece for piece in (*row, (style, text[at:])) if piece[1]]


def _part(line: Line, start: int, end: int, width: int) -> Row:
    within = [(max(first, start) - start, min(last, end) - start) for first, last in line.places]
    row = lit(line.text[start:end], [(first, last) for first, last in within if first < last], line.style)
    return [("", " " * _indent(line.text, width)), *row] if start else row


def _indent(text: str, width: int) -> int:
    """Returns by how much further rows of a line are indented: as its first one, if that leaves room."""
    return min(len(text) - len(text.lstrip()), width // 4)


def row_bounds(text: str, width: int) -> Iterator[tuple[int, int]]:
    """Yields start and end of each row that `text` takes, broken between words where they have room."""
    start = 0
    while True:
        room = width - _indent(text, width) if start else width
        end = start + _fitting(text[start : start + room], room)
        if end < len(text):
            space = text.rfind(" ", start, end + 1)
            if space > start and text[start:space].strip():
                end = space
        yield start, end
        start = end + (text[end : end + 1] == " ")
        if start >= len(text):
            return


def _fitting(text: str, width: int) -> int:
    """Returns how many of the first characters have room, at least one."""
    if columns(text) <= width:
        return len(text)
    used = 0
    for at, char in enumerate(text):
        used += columns(char)
        if used > width:
            return max(at, 1)
    return len(text)


def _joined(pieces: Iterable[tuple[str, str]]) -> Row:
    row: Row = []
    for piece in pieces:
        if piece[1]:
            row += [("", _BETWEEN), piece] if row else [piece]
    return row


def _columns(row: Row) -> int:
    return sum(columns(text) for _, text in row)


def _cut(row: Row, width: int) -> Row:
    kept: Row = []
    for style, text in row:
        room = width - _columns(kept)
        if room > 0:
            kept.append((style, fitted(text, room)))
    return kept
