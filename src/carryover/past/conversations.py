"""Answers with conversations: some turns of a session, and the hits of a search. Read-only and blocking."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

import msgspec

from carryover.agents import agent_name
from carryover.export.quoting import one_line
from carryover.export.session_parts import Part as ShownPart
from carryover.export.session_parts import SessionEvent, cleaned, numbered, session_parts
from carryover.facts import is_foreign
from carryover.ledger.events import TurnStart, session_events, turn_of, turn_starts
from carryover.ledger.queries import ProjectRow, project_by_root, session_of
from carryover.ledger.search import Hit, Query, search
from carryover.ledger.search_text import Term, terms_of, window
from carryover.past.answers import Part, PartKind, SearchAnswer, SearchHit, SessionAnswer, Turn
from carryover.past.searching import said_otherwise
from carryover.past.session_entries import title_of
from carryover.redact import CleanText

MOST_TURNS: Final = 40
_BEFORE: Final = 5
"""How many turns before the one that was asked for are shown."""
_ENOUGH_CHARS: Final = 1_500_000
"""No further turn is added to an answer of this size."""
_EXCERPT_CHARS: Final = 200
_MOST_HITS: Final = 100
_KINDS: Final[dict[str, PartKind]] = {"user": "user", "agent": "agent", "tool": "result", "happening": "note"}


def session(db: sqlite3.Connection, agent: str, native_id: str, turn: int | None) -> SessionAnswer | None:
    """Returns turns of a session: those around `turn`, or the newest. None if there is no such session."""
    row = session_of(db, agent, native_id)
    if row is None:
        return None
    total = len(turn_starts(db, row.id))
    first = max((total - MOST_TURNS + 1) if turn is None else (turn - _BEFORE), 0)
    name = agent_name(row.agent)
    wanted = range(first, first + MOST_TURNS)
    turns = tuple(_turns(numbered(session_events(db, row)), wanted, name, row.root, least=turn or 0))
    return SessionAnswer(
        agent=row.agent,
        agent_name=agent_name(row.agent, row.machine),
        session=row.native_id,
        title=one_line(title_of(db, row)),
        root=row.root or "",
        project=row.project_id if row.project_id is not None and not is_foreign(row.root or "") else 0,
        first_turn=first,
        turns=turns,
        total_turns=total,
    )


def _turns(
    events: Iterable[tuple[int, SessionEvent]], wanted: range, agent: str, root: str | None, *, least: int
) -> Iterator[Turn]:
    """Yields the `wanted` turns with what was said and done, until the answer is large enough and has turn `least`."""
    chars = 0
    for number, of_turn in groupby(events, key=lambda each: each[0]):
        if number < wanted.start:
            continue
        if number >= wanted.stop or (chars > _ENOUGH_CHARS and number > least):
            return
        shown = session_parts((event for _, event in of_turn), agent=agent, root=root, subagents=True)
        parts = [part for part in shown if not part.repeated]
        if parts:
            turn = Turn(number=number, at_ms=parts[0].at_ms, parts=tuple(map(_part, cleaned(parts))))
            chars += sum(len(part.text) + len(part.diff) for part in turn.parts)
            yield turn


def _part(part: ShownPart[CleanText]) -> Part:
    kind: PartKind = "edit" if part.is_diff else _KINDS[part.kind]
    return Part(
        kind=kind,
        name=f"{part.heading} (retracted)" if part.retracted else part.heading,
        text="" if part.is_diff else part.text,
        diff=part.text if part.is_diff else "",
        is_error=part.failed,
    )


def found(db: sqlite3.Connection, words: str, project_id: int | None, *, limit: int, now_ms: int) -> SearchAnswer:
    """Returns the best hits for what was typed, in one project or all. Raises OperationalError if interrupted."""
    began = time.monotonic()
    terms = terms_of(words)
    if not terms:
        return SearchAnswer(hits=(), more=False, note="", took_ms=0)
    limit = max(1, min(limit, _MOST_HITS))
    answer = search(db, Query(terms=terms, project_id=project_id), limit=limit + 1, now_ms=now_ms)
    shown = answer.hits[:limit]
    one_each = {hit.session_id: hit for hit in shown}
    starts = {session_id: turn_starts(db, session_id) for session_id in one_each}
    titles = {session_id: _title(db, hit) for session_id, hit in one_each.items()}
    projects = {
        root: project_by_root(db, root)
        for root in {hit.root for hit in shown}
        if root is not None and not is_foreign(root)
    }
    return SearchAnswer(
        hits=tuple(
            msgspec.structs.replace(
                _hit(hit, projects.get(hit.root or ""), starts[hit.session_id], answer.terms),
                title=titles[hit.session_id],
            )
            for hit in shown
        ),
        more=len(answer.hits) > limit,
        note=f"{said_otherwise(answer.corrected)}." if answer.corrected else "",
        took_ms=round((time.monotonic() - began) * 1000),
    )


def _title(db: sqlite3.Connection, hit: Hit) -> str:
    row = session_of(db, hit.agent, hit.session)
    return one_line(title_of(db, row))[:_EXCERPT_CHARS] if row is not None else ""


def _hit(hit: Hit, project: ProjectRow | None, starts: Sequence[TurnStart], terms: tuple[Term, ...]) -> SearchHit:
    line = one_line(hit.text)
    start, end, places = window(line, terms, _EXCERPT_CHARS)
    first, last = next(((first, last) for first, last in places if start <= first and last <= end), (start, start))
    return SearchHit(
        project=project.id if project is not None else 0,
        root=hit.root or "",
        agent=hit.agent,
        machine=hit.machine,
        session=hit.session,
        turn=turn_of(starts, hit.event_id, hit.at_ms, hit.subagent_id),
        at_ms=hit.at_ms,
        kind=hit.kind,
        before=f"{'…' if start else ''}{line[start:first]}",
        words=line[first:last],
        after=f"{line[last:end]}{'…' if end < len(line) else ''}",
    )
