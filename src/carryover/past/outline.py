"""One recorded session as an answer: some of its turns, or all of them from above with the files that it changed.
Read-only and blocking."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

from carryover.agents import agent_name
from carryover.distill.forms import without_pastes
from carryover.export.quoting import quoted_line, safe
from carryover.export.session_parts import Part, cleaned, edit_line, numbered, session_parts
from carryover.ledger.events import TurnStart, session_events, turn_starts
from carryover.ledger.queries import session_of, short_ids
from carryover.ledger.rows import SessionRow
from carryover.model import FileEdit, StoredEvent, ToolResult, UserPrompt
from carryover.past.sessions import session_of_row, with_short_title
from carryover.past.types import FileOfSession, Session, SessionAnswer, SessionTurn
from carryover.records.fields import path_in_project
from carryover.redact import CleanText
from carryover.testruns.reading import test_run_in

MOST_SHOWN_TURNS: Final = 40
_BEFORE: Final = 5
"""How many turns before the one that was asked for are shown."""
MOST_CHARS: Final = 1_500_000
"""No further turn and no further diff is added to an answer of this size."""
_PROMPT_CHARS: Final = 300


def session_turns(db: sqlite3.Connection, agent: str, native_id: str, turn: int | None) -> SessionAnswer | None:
    """Returns turns of a session: those around `turn`, or the newest. None if there is no such session."""
    row = session_of(db, agent, native_id)
    if row is None:
        return None
    starts = turn_starts(db, row.id)
    total = len(starts)
    first = max((total - MOST_SHOWN_TURNS + 1) if turn is None else (turn - _BEFORE), 0)
    turns = tuple(_turns(db, row, starts, range(first, first + MOST_SHOWN_TURNS), least=turn or 0))
    return SessionAnswer(session=_listed(db, row), turns=turns, total_turns=total, first_turn=first)


def session_outline(db: sqlite3.Connection, agent: str, native_id: str) -> SessionAnswer | None:
    """Returns all turns of a session from above, and its changed files; None if there is no such session."""
    row = session_of(db, agent, native_id)
    if row is None:
        return None
    events: dict[int, list[StoredEvent]] = defaultdict(list)
    for number, event in numbered(session_events(db, row)):
        if not event.retracted:
            events[number].append(event)
    turns = tuple(_from_above(number, events[number]) for number in sorted(events) if number or _edits(events[0]))
    files = tuple(_changed(events, row))
    is_cut = sum(len(change.text) for file in files for change in file.changes) >= MOST_CHARS
    return SessionAnswer(session=_listed(db, row), turns=turns, total_turns=len(turns), files=files, is_cut=is_cut)


def _listed(db: sqlite3.Connection, row: SessionRow) -> Session:
    short = short_ids(db, [row.native_id]).get(row.native_id, row.native_id)
    return with_short_title(session_of_row(db, row, short))


def _turns(
    db: sqlite3.Connection, row: SessionRow, starts: Sequence[TurnStart], wanted: range, *, least: int
) -> Iterator[SessionTurn]:
    """Yields the `wanted` turns with what was said and done, until the answer is large enough and has turn `least`."""
    if wanted.start > len(starts):
        return
    before = max(wanted.start - 1, 0)
    events_since = session_events(db, row, since=starts[before] if wanted.start else None)
    chars = 0
    for counted, of_turn in groupby(numbered(events_since), key=lambda numbered_event: numbered_event[0]):
        number = before + counted
        if number < wanted.start:
            continue
        if number >= wanted.stop or (chars > MOST_CHARS and number > least):
            return
        events = (event for _, event in of_turn)
        shown = session_parts(events, agent=agent_name(row.agent), root=row.root)
        parts = tuple(cleaned(part for part in shown if not part.repeated))
        if parts:
            chars += sum(len(part.text) for part in parts)
            yield SessionTurn(number=number, at_ms=parts[0].at_ms, parts=parts)


def _from_above(number: int, events: Sequence[StoredEvent]) -> SessionTurn:
    prompt = next((event.body.typed for event in events if isinstance(event.body, UserPrompt)), "") if number else ""
    results = [event.body for event in events if isinstance(event.body, ToolResult)]
    runs = [(run, result.subject) for result in results if (run := test_run_in(result)) is not None]
    edits = _edits(events)
    added, removed = _lines_changed(edits)
    return SessionTurn(
        number=number,
        at_ms=events[0].at_ms,
        prompt=quoted_line(without_pastes(prompt))[:_PROMPT_CHARS],
        calls=len(results),
        files=len({edit.path for edit in edits}),
        added=added,
        removed=removed,
        tests=runs[-1][0].status if runs else "",
        test_command=quoted_line(runs[-1][1])[:_PROMPT_CHARS] if runs else "",
    )


def _edits(events: Iterable[StoredEvent]) -> list[FileEdit]:
    return [event.body for event in events if isinstance(event.body, FileEdit)]


def _lines_changed(edits: Iterable[FileEdit]) -> tuple[int, int]:
    """Returns how many lines edits added and removed: as the agent says, or else as their diffs have them."""
    added = removed = 0
    for edit in edits:
        lines = edit.diff.split("\n")
        added += sum(line.startswith("+") for line in lines) if edit.added is None else edit.added
        removed += sum(line.startswith("-") for line in lines) if edit.removed is None else edit.removed
    return added, removed


def _changed(events_of_turns: Mapping[int, Sequence[StoredEvent]], row: SessionRow) -> Iterator[FileOfSession]:
    """Yields the files that a session changed, in the order in which it first did."""
    room = MOST_CHARS
    edits: dict[str, list[FileEdit]] = defaultdict(list)
    changes: dict[str, list[Part[CleanText]]] = defaultdict(list)
    for number, events in sorted(events_of_turns.items()):
        for event in events:
            if not isinstance(event.body, FileEdit):
                continue
            change = _change(event, event.body, number, row.root, has_diff=room > 0)
            room -= len(change.text)
            edits[event.body.path].append(event.body)
            changes[event.body.path].append(change)
    for path in edits:
        added, removed = _lines_changed(edits[path])
        shown = quoted_line(path_in_project(path, row.root, row.recorded_root))
        yield FileOfSession(path=shown, added=added, removed=removed, changes=tuple(changes[path]))


def _change(event: StoredEvent, edit: FileEdit, turn: int, root: str | None, *, has_diff: bool) -> Part[CleanText]:
    return Part(
        kind="tool",
        at_ms=event.at_ms,
        heading=quoted_line(edit_line(edit, root)),
        text=safe(edit.diff) if has_diff else CleanText(""),
        is_diff=True,
        subagent_id=event.subagent_id,
        turn=turn,
    )
