"""Previews a row of the full-screen list: a session's newest turns, or the turn of a hit with the words lit."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple

from carryover.agents import agent_name
from carryover.distill.digest import Turn
from carryover.errors import visible
from carryover.export.session_parts import Part, session_parts
from carryover.ledger.events import subagent_events, turn_events, turn_of, turn_starts
from carryover.ledger.queries import session_of
from carryover.ledger.rows import SessionRow
from carryover.ledger.search import EventHit
from carryover.ledger.search_text import SearchKind, Term, best_part, spans
from carryover.past.context import now_ms
from carryover.past.sessions import show_command
from carryover.publish.gists import session_gist
from carryover.terminal.output import ago, columns, counted, when, wrapped
from carryover.text.harmless import harmless, one_line

TOOL_LINES: Final = 12
"""Lines of what a tool printed in a preview, unless it is what matches."""
LONGEST_LINE: Final = 4_000
"""Characters of a line in a preview, those with most of the words: the rest would have to be wrapped as one types."""
LONGEST_PART: Final = 60_000
"""Characters of what one message holds in a preview, in the same way."""
_MOST_LINES: Final = 500
"""Lines of a preview on either side of the match."""
TURNS: Final = 6
"""How many turns of a session are previewed."""
_FILES: Final = 6
_PROMPT_CHARS: Final = 300


class Item(NamedTuple):
    """A row of the list: a session, or a hit of a search in it."""

    session: str
    """The agent's own id of the session."""
    agent: str
    root: str | None
    at_ms: int
    kind: Literal["session"] | SearchKind
    by: str
    """The agent's display name, with the machine that it ran on if that is another."""
    project: str
    """The short path of its project; `?` if that is unknown."""
    line: str
    """What the session is called, or the part of the hit with most of the words; on one line."""
    hit: EventHit | None = None
    """None for a session."""


class WantedPreview(NamedTuple):
    """A row that is to be previewed, with the words to light and the columns that there are."""

    item: Item
    terms: tuple[Term, ...]
    width: int


class PreviewLine(NamedTuple):
    """A line of a preview."""

    text: str
    places: tuple[tuple[int, int], ...] = ()
    """Where the words are: start and end, in order."""
    is_bold: bool = False


class Preview(NamedTuple):
    """A session's newest turns, or the turn of a hit."""

    title: str
    lines: tuple[PreviewLine, ...]
    """None is wider than was wanted, unless one of its words is."""
    match: int
    """The index of the line that matches."""


def preview_of(short: Mapping[str, str], db: sqlite3.Connection, wanted: WantedPreview) -> Preview:
    """Returns the preview of a row. `short`: the shortest unique prefix of each session's id."""
    item = wanted.item
    row = session_of(db, item.agent, item.session)
    if row is None:
        return Preview("", (PreviewLine("This session was removed."),), 0)
    name = short.get(item.session, item.session)
    if item.hit is None:
        lines = [_line(text, wanted.terms) for text in _session_lines(db, row)]
        return _fitted(wanted, _title(item, show_command(name, 0)), lines, 0)
    return _turn_preview(db, row, item.hit, name, wanted)


def lit_line(text: str, terms: Sequence[Term], chars: int) -> PreviewLine:
    """Returns the part of one line with most of the words, and where they are in it."""
    part = best_part(text, terms, chars)
    return PreviewLine(part, tuple(word_places(part, terms)))


def word_places(text: str, terms: Sequence[Term]) -> list[tuple[int, int]]:
    """Returns where `terms` are in `text`, at the beginning of words and of parts of names: start and end, in order."""
    return [(start, end) for start, end in spans(text, terms) if _begins_word(text, start)]


def _begins_word(text: str, start: int) -> bool:
    before = text[start - 1 : start]
    first = text[start]
    is_hump = first.isupper() or first.isalpha() != before.isalpha()
    return not before.isalnum() or not first.isascii() or is_hump


def _title(item: Item, command: str, turn: str = "") -> str:
    facts = (command, item.by, when(item.at_ms, now_ms()), item.project, turn)
    return harmless(" · ".join(filter(None, facts)))


def _fitted(wanted: WantedPreview, title: str, lines: Sequence[PreviewLine], match: int) -> Preview:
    """Returns the preview with its lines broken to the width; `match`: the index of the line that matches."""
    rows = list[PreviewLine]()
    first = 0
    for number, line in enumerate(lines):
        broken = _broken(line, wanted)
        if number == match:
            first = len(rows) + next((index for index, row in enumerate(broken) if row.places), 0)
        rows += broken
    return Preview(title, tuple(rows) or (PreviewLine(""),), first)


def _broken(line: PreviewLine, wanted: WantedPreview) -> list[PreviewLine]:
    if columns(line.text) <= wanted.width:
        return [line]
    rows = wrapped(line.text, wanted.width).split("\n")
    return [PreviewLine(row, tuple(word_places(row, wanted.terms)), line.is_bold) for row in rows]


def _session_lines(db: sqlite3.Connection, row: SessionRow) -> Iterator[str]:
    digest = session_gist(db, row)
    facts = (row.agent_version, row.model, row.branch, counted(digest.prompts, "prompt"))
    yield ", ".join(filter(None, facts))
    turns = digest.turns[-TURNS:]
    for turn in turns:
        yield from _turn_lines(turn, is_last=turn is turns[-1])
    files = [visible(str(Path(*Path(file.path).parts[-2:]))) for file in digest.touched[-_FILES:]]
    if files:
        more = len(digest.touched) - len(files)
        yield f"files: {', '.join(files)}{f' and {more} more' if more else ''}"


def _turn_lines(turn: Turn, *, is_last: bool) -> Iterator[str]:
    if turn.prompt:
        yield f"› {one_line(turn.prompt, _PROMPT_CHARS)}"
    if turn.answer and is_last:
        yield f"  ● {one_line(turn.answer, _PROMPT_CHARS)}"
    results = [counted(turn.changes, "change")] if turn.changes else []
    results += [f"committed {one_line(commit, 60)}" for commit in turn.commits[:1]]
    if turn.end and turn.prompt:
        results.append(turn.end)
    if results:
        yield f"    {ago(turn.last_ms, now_ms())}: {', '.join(results)}"


def _turn_preview(db: sqlite3.Connection, row: SessionRow, hit: EventHit, name: str, wanted: WantedPreview) -> Preview:
    starts = turn_starts(db, row.id)
    number = turn_of(starts, hit.event_id, hit.at_ms, hit.subagent_id)
    events = turn_events(db, row.id, starts, number)
    if hit.subagent_id is not None:
        events = subagent_events(db, row.id, hit.subagent_id, starts, number)
    parts = session_parts(events, agent=agent_name(row.agent), root=row.root, subagents=True)
    lines = [timed for part in parts if not part.repeated for timed in _timed(part, wanted.terms)]
    if lines and not lines[0][1].text:
        lines = lines[1:]
    match = _match(lines, hit)
    first = max(match - _MOST_LINES, 0)
    command = show_command(name, number, subagent=hit.subagent_id is not None)
    title = _title(wanted.item, command, f"turn {number} of {len(starts)}" if number else "")
    return _fitted(wanted, title, [line for _, line in lines[first : match + _MOST_LINES]], match - first)


def _timed(part: Part[str], terms: Sequence[Term]) -> Iterator[tuple[int, PreviewLine]]:
    """Yields the lines of a part, each with its time: what was said whole, of what a tool printed some."""
    is_said = part.kind in ("user", "agent")
    by = f" (sub-agent {part.subagent_id})" if part.subagent_id else ""
    retracted = " (retracted)" if part.retracted else ""
    mark = "✗ " if part.failed else "· "
    heading = f"{'' if is_said else mark}{part.heading}{by}{retracted}"
    if is_said:
        yield part.at_ms, PreviewLine("")
    yield part.at_ms, _line(heading, terms)._replace(is_bold=is_said)
    text = best_part(harmless(part.text).strip("\n"), terms, LONGEST_PART)
    lines = [_line(f"{'  ' if is_said else '    '}{row}", terms) for row in text.split("\n")] if text else []
    yield from ((part.at_ms, line) for line in (lines if is_said else _some(lines)))


def _line(text: str, terms: Sequence[Term]) -> PreviewLine:
    return lit_line(harmless(text).replace("\n", " ").replace("\t", "    ").rstrip(), terms, LONGEST_LINE)


def _some(lines: list[PreviewLine]) -> list[PreviewLine]:
    """Returns as many lines as are shown of what a tool printed: those around the first with a word, else the first."""
    lit = next((number for number, line in enumerate(lines) if line.places), 0)
    first = max(min(lit - TOOL_LINES // 3, len(lines) - TOOL_LINES), 0)
    shown = lines[first : first + TOOL_LINES]
    cut = PreviewLine("    …")
    return [*([cut] if first else []), *shown, *([cut] if first + len(shown) < len(lines) else [])]


def _match(lines: Sequence[tuple[int, PreviewLine]], hit: EventHit) -> int:
    """Returns the index of the line that a hit is in: with most of the words, or the first that comes of it."""
    of_hit = {row.strip() for row in harmless(hit.text).replace("\t", "    ").split("\n")}
    since = [number for number, (at_ms, _) in enumerate(lines) if at_ms >= hit.at_ms]
    lit = [number for number in since if lines[number][1].places]
    same = [number for number in lit if lines[number][1].text.strip() in of_hit]
    if same:
        return max(same, key=lambda number: _different_words(lines[number][1]))
    return next(iter(lit or since), 0)


def _different_words(line: PreviewLine) -> int:
    return len({line.text[start:end].lower() for start, end in line.places})
