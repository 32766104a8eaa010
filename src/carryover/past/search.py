"""Finds what was said, run, touched or failed: for a command, the page as one types, and an agent that asks."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from carryover.agents import agent_name
from carryover.clock import utc_now_ms
from carryover.errors import ExitCode, UserError
from carryover.export.quoting import quoted_line
from carryover.ledger.events import turn_of, turn_starts
from carryover.ledger.queries import project_by_root, session_of, sessions, short_ids
from carryover.ledger.search import EventHit, Found, Query, search
from carryover.ledger.search_text import KINDS, MOST_CHARS, SearchKind, Term, terms_of, window
from carryover.past.context import project_root
from carryover.past.opened import Want, opened
from carryover.past.sessions import project_id_here
from carryover.past.titles import show_command, title_of
from carryover.past.types import Hit, Search
from carryover.text.harmless import harmless
from carryover.text.pasted import without_paste_marks

__all__ = ["KINDS"]
_NO_PROJECT: Final = 0
"""An id that no project has."""
_EXCERPT_CHARS: Final = 200
_MOST_HITS: Final = 100


def searched(
    query: str,
    project: str | None,
    *,
    everywhere: bool,
    agent: str | None,
    since_ms: int | None,
    kinds: Sequence[SearchKind],
    limit: int,
) -> Search:
    """Searches what is recorded of the project that the folder `project` is in, or `everywhere`.

    Raises UserError (USAGE) if there is no word in `query`.
    """
    terms = terms_of(query)
    if not terms:
        raise UserError(f"{query!r} has no letter and no digit to search for.", ExitCode.USAGE)
    root = None if everywhere else project_root(project, elsewhere=True)
    with opened(Want.LISTED, root) as (ledger, project_row):
        project_id = None if root is None else project_row.id if project_row is not None else _NO_PROJECT
        wanted = Query(terms=terms, project_id=project_id, agent=agent, since_ms=since_ms, kinds=tuple(kinds))
        answer = search_for(ledger, wanted, limit=limit, now_ms=utc_now_ms())
        is_recorded = project_row is not None if root else bool(answer.hits or sessions(ledger, limit=1))
    return replace(answer, query=query, project=root, is_recorded=is_recorded)


def search_page(ledger: sqlite3.Connection, typed: str, project_id: int | None, *, limit: int, now_ms: int) -> Search:
    """Returns the best hits for what was typed, in one project or all, each with its session's title and an excerpt in
    place of its text."""
    terms = terms_of(typed)
    if not terms:
        return Search(query=typed, project=None)
    limit = max(1, min(limit, _MOST_HITS))
    answer = search_for(ledger, Query(terms=terms, project_id=project_id), limit=limit, now_ms=now_ms)
    titles: dict[tuple[str, str], str] = {}
    hits = []
    for hit in answer.hits:
        if (hit.agent, hit.id) not in titles:
            row = session_of(ledger, hit.agent, hit.id)
            titles[hit.agent, hit.id] = quoted_line(title_of(ledger, row))[:_EXCERPT_CHARS] if row is not None else ""
        text = quoted_line(without_paste_marks(hit.text[:MOST_CHARS]))
        excerpt = excerpt_of(text, answer.terms, _EXCERPT_CHARS)
        hits.append(replace(hit, text="", title=titles[hit.agent, hit.id], excerpt=excerpt))
    return replace(answer, query=typed, hits=tuple(hits))


def search_for(ledger: sqlite3.Connection, query: Query, *, limit: int, now_ms: int) -> Search:
    """Returns the best `limit` hits, and whether there are more."""
    results = search(ledger, query, limit=limit + 1, now_ms=now_ms)
    entries = results.hits[:limit]
    short = short_ids(ledger, (entry.session for entry in entries))
    starts = {session_id: turn_starts(ledger, session_id) for session_id in {entry.session_id for entry in entries}}
    ids = {root: _project_id(ledger, root) for root in {entry.root for entry in entries}}
    hits = []
    for entry in entries:
        turn = turn_of(starts[entry.session_id], entry.event_id, entry.at_ms, entry.subagent_id)
        hits.append(_hit(entry, short[entry.session], turn, ids[entry.root]))
    return Search(
        query="",
        project=None,
        terms=results.terms,
        hits=tuple(hits),
        more=(results.whole or len(results.hits)) > limit,
        has_all_words=results.whole >= len(entries),
        indexed=results.indexed,
        corrected=dict(results.corrected),
        note=" ".join(_notes(results, len(entries))),
    )


def _hit(entry: EventHit, short: str, turn: int, project_id: int) -> Hit:
    return Hit(
        id=entry.session,
        short=short,
        agent=entry.agent,
        agent_name=agent_name(entry.agent, entry.machine),
        machine=entry.machine or None,
        project=entry.root,
        project_id=project_id,
        subagent_id=entry.subagent_id,
        turn=turn,
        show=show_command(entry.session, turn, subagent=entry.subagent_id is not None),
        kind=entry.kind,
        at_ms=entry.at_ms,
        times=entry.times,
        text=entry.text,
    )


def line_of(hit: Hit) -> str:
    """Returns the text of a hit, as far as it is searched, on one line, without the marks of pastes."""
    return " ".join(harmless(without_paste_marks(hit.text[:MOST_CHARS])).split())


def excerpt_of(line: str, terms: Sequence[Term], chars: int) -> tuple[str, ...]:
    """Returns the part of `line` with most of the words, with `…` where it is cut, in pieces of which each second one
    is a word that matched.

    >>> excerpt_of("add a discount to the cart", terms_of("discount"), 40)
    ('add a ', 'discount', ' to the cart')
    """
    start, end, places = window(line, terms, chars)
    pieces, begin = ["…" if start else ""], start
    for first, last in places:
        if start <= first and last <= end:
            pieces[-1] += line[begin:first]
            pieces += [line[first:last], ""]
            begin = last
    pieces[-1] += line[begin:end] + ("…" if end < len(line) else "")
    return tuple(pieces)


def _notes(found: Found, listed: int) -> Iterator[str]:
    """Yields what was not searched, and in what the `listed` hits differ from what was asked for, as sentences."""
    if found.indexed < 1:
        yield f"Only {found.indexed:.0%} of what is recorded can be searched yet, the newest first."
        yield "carryoverd completes that while it runs."
    if found.corrected and listed:
        uses = ((typed, " or ".join(map(repr, used))) for typed, used in found.corrected)
        yield "; ".join(f"No entry has {typed!r}, these have {used}" for typed, used in uses) + "."
    if found.whole < listed:
        first = "Only the first has" if found.whole == 1 else f"Only the first {found.whole} have"
        some = f"{first} all of the words; the others have some of them."
        yield some if found.whole else "No entry has all of the words; these have some of them."


def _project_id(ledger: sqlite3.Connection, root: str | None) -> int:
    project = project_by_root(ledger, root) if root is not None else None
    return project_id_here(project.id, root) if project is not None else 0
