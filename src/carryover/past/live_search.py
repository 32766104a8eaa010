"""Searches while a person types: opens what is recorded once, and answers each query and preview in a thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Final, Literal, NamedTuple

from carryover.agents import agent_name
from carryover.errors import ExitCode, UserError
from carryover.export.session_parts import Part, session_parts
from carryover.ledger.connect import file_of
from carryover.ledger.events import subagent_events, turn_events, turn_of, turn_starts, typed_prompts
from carryover.ledger.queries import agents_seen, projects, session_ids, session_of, sessions, shortest_unique
from carryover.ledger.rows import ProjectRow, SessionRow
from carryover.ledger.search import Hit, Query, search
from carryover.ledger.search_text import Kind, Term, excerpt, terms_of
from carryover.past.context import first_day_ms, now_ms, project_root
from carryover.past.latest import Latest
from carryover.past.opened import Want, opened
from carryover.past.picking import MOST_BYTES, agents_here
from carryover.past.search import said_otherwise
from carryover.past.search_records import ALWAYS, Asked, Filter, Item, Limit, Line, Listing, Preview, Span
from carryover.past.search_rows import word_places
from carryover.past.sessions import show_command
from carryover.terminal.output import harmless, local_time, when
from carryover.terminal.paths import short_path

LISTED: Final = 100
"""How many hits are listed."""
LINE_CHARS: Final = 600
"""How much of a hit is kept for its row: more than a terminal is wide."""
NEWEST_SESSIONS: Final = 40
"""How many sessions the newest prompts are taken from."""
TOOL_LINES: Final = 12
"""Lines of what a tool printed in a preview, unless it is what matches."""
LONGEST_LINE: Final = 4_000
"""Characters of a line in a preview, those with most of the words: the rest would have to be wrapped as one types."""
LONGEST_PART: Final = 60_000
"""Characters of what one message holds in a preview, in the same way."""
MOST_LINES: Final = 500
"""Lines of a preview on either side of the match."""
EARLIER_SESSIONS: Final = 400
"""The same for an earlier day, after which there may be many."""
SINGLE_DAYS: Final = 7
"""How many days can be chosen one by one."""
PERIODS: Final = (7, 30)
"""Periods of so many days with today."""

NEWEST: Final = "Your newest prompts. Type to search."
SOME_WORDS: Final = "No entry has all of these words; these have some of them."


class Wanted(NamedTuple):
    """A hit whose turn is to be shown, with the words to light."""

    item: Item
    terms: tuple[Term, ...]


class LiveSearch:
    """What is recorded, open while a person searches it."""

    def __init__(
        self,
        ledger: sqlite3.Connection,
        known: ProjectRow | None,
        *,
        filters: tuple[Filter, ...],
        kinds: tuple[Kind, ...],
    ) -> None:
        self._ledger = ledger
        self.filters = filters
        """By agent, project and day, as they are set at first."""
        self.kinds = kinds
        """The kinds of entries that are searched; none: all."""
        self.agents = cache(partial(agents_here, ledger, known.id if known is not None else None))
        """Returns id and name of each agent that can take over on this machine."""
        path = file_of(ledger)
        short = shortest_unique(session_ids(ledger))
        self.searches: Latest[Asked, Listing] = Latest(path, listing_of)
        self.previews: Latest[Wanted, Preview] = Latest(path, partial(preview_of, short))

    def turn(self, item: Item) -> int:
        """Returns the number of the turn that a hit is in."""
        hit = item.hit
        return turn_of(turn_starts(self._ledger, hit.session_id), hit.event_id, hit.at_ms, hit.subagent_id)


@contextmanager
def live_search(
    project: str | None, *, everywhere: bool, agent: str | None, since_ms: int | None, kinds: Sequence[Kind]
) -> Iterator[LiveSearch]:
    """Opens what is recorded, with the filters set to the project of the folder `project`, or to `everywhere`.

    Raises UserError (NOTHING_FOUND) if nothing is recorded of it.
    """
    root = None if everywhere else project_root(project, elsewhere=True)
    with opened(Want.LISTED, root, most_bytes=0 if root else MOST_BYTES) as (ledger, known):
        if not sessions(ledger, limit=1):
            nothing = "No session is recorded yet. `carryover` says where they are looked for."
            raise UserError(nothing, ExitCode.NOTHING_FOUND)
        if root is not None and known is None:
            nothing = f"No session is recorded for {root}. `carryover search --all` searches every project."
            raise UserError(nothing, ExitCode.NOTHING_FOUND)
        filters = (_agent_filter(ledger, agent), _project_filter(ledger, known), day_filter(since_ms))
        live = LiveSearch(ledger, known, filters=filters, kinds=tuple(kinds))
        with live.searches, live.previews:
            yield live


def _agent_filter(ledger: sqlite3.Connection, chosen: str | None) -> Filter:
    seen = sorted(agents_seen(ledger), key=lambda row: row.last_event_ms or 0, reverse=True)
    ids = dict.fromkeys([*(row.agent for row in seen), *([chosen] if chosen else [])])
    limits = (Limit("any", None), *(Limit(agent_name(each), each) for each in ids))
    return Filter("agent", limits, [None, *ids].index(chosen))


def _project_filter(ledger: sqlite3.Connection, known: ProjectRow | None) -> Filter:
    rows = {row.id: row for row in ([known] if known is not None else []) + projects(ledger)}
    home = Path.home()
    limits = (Limit("all", None), *(Limit(short_path(row.root, home), row.id) for row in rows.values()))
    return Filter("project", limits, 0 if known is None else 1)


def day_filter(since_ms: int | None) -> Filter:
    """Returns the days that can be chosen, and periods until now: at first any time, or what is since `since_ms`."""
    starts = [first_day_ms(number) for number in range(1, SINGLE_DAYS + 1)]
    names = ["today", "yesterday", *map(_day, starts[2:])]
    ends = [None, *starts[:-1]]
    days = [Limit(name, Span(start, end)) for name, start, end in zip(names, starts, ends, strict=True)]
    periods = [Limit(f"last {number} days", Span(first_day_ms(number))) for number in PERIODS]
    given = [Limit(f"since {local_time(since_ms)}", Span(since_ms))] if since_ms is not None else []
    return Filter("day", (Limit("any", ALWAYS), *given, *days, *periods), len(given))


def _day(start_ms: int) -> str:
    return f"{datetime.fromtimestamp(start_ms / 1000).astimezone():%a %d %b}"


def listing_of(db: sqlite3.Connection, asked: Asked) -> Listing:
    """Returns the best hits for a query; without a word in it, the newest prompts."""
    terms = terms_of(asked.typed)
    if not terms:
        return Listing(asked, tuple(map(_item, _newest_prompts(db, asked))), note=NEWEST)
    query = Query(
        terms=terms,
        project_id=asked.project_id,
        agent=asked.agent,
        since_ms=asked.span.since_ms,
        until_ms=asked.span.until_ms,
        kinds=asked.kinds,
    )
    found = search(db, query, limit=LISTED + 1, now_ms=now_ms())
    notes = [f"{said_otherwise(found.corrected)}."] if found.corrected else []
    if not found.has_all:
        notes.append(SOME_WORDS)
    if found.indexed < 1:
        notes.append(f"Only {found.indexed:.0%} of what is recorded can be searched yet, the newest first.")
    items = tuple(_item(hit, found.terms) for hit in found.hits[:LISTED])
    return Listing(asked, items, found.terms, more=len(found.hits) > LISTED, note=" ".join(notes))


def _item(hit: Hit, terms: tuple[Term, ...] = ()) -> Item:
    line = " ".join(harmless(hit.text).split())
    project = short_path(hit.root, Path.home()) if hit.root else "?"
    return Item(hit, agent_name(hit.agent, hit.machine), project, excerpt(line, terms, LINE_CHARS))


def _newest_prompts(db: sqlite3.Connection, asked: Asked) -> list[Hit]:
    """Returns the newest prompts of the newest sessions, newest first."""
    number = NEWEST_SESSIONS if asked.span.until_ms is None else EARLIER_SESSIONS
    newest = sessions(db, asked.project_id, limit=number, agent=asked.agent, since_ms=asked.span.since_ms)
    hits = [hit for row in newest for hit in _prompts(db, row) if asked.span.has(hit.at_ms)]
    return sorted(hits, key=lambda hit: hit.at_ms, reverse=True)[:LISTED]


def _prompts(db: sqlite3.Connection, row: SessionRow) -> Iterator[Hit]:
    for start, text in typed_prompts(db, row.id)[-LISTED:]:
        yield Hit(
            event_id=start.event_id,
            session_id=row.id,
            session=row.native_id,
            agent=row.agent,
            machine=row.machine,
            root=row.root,
            subagent_id=None,
            kind="prompt",
            at_ms=start.at_ms,
            text=text,
            times=1,
        )


def preview_of(short: Mapping[str, str], db: sqlite3.Connection, wanted: Wanted) -> Preview:
    """Returns the turn of a hit, with the words lit. `short`: the shortest unique prefix of each session's id."""
    item, terms = wanted
    hit = item.hit
    row = session_of(db, hit.agent, hit.session)
    if row is None:
        return Preview(item, "", (Line("This session was removed."),), 0)
    starts = turn_starts(db, row.id)
    number = turn_of(starts, hit.event_id, hit.at_ms, hit.subagent_id)
    events = turn_events(db, row.id, starts, number)
    if hit.subagent_id is not None:
        events = subagent_events(db, row.id, hit.subagent_id, starts, number)
    name = short.get(hit.session, hit.session)
    facts = (
        show_command(name, number, subagent=hit.subagent_id is not None),
        item.agent,
        when(hit.at_ms, now_ms()),
        item.project,
        f"turn {number} of {len(starts)}" if number else "",
    )
    parts = session_parts(events, agent=agent_name(row.agent), root=row.root, subagents=True)
    lines = [timed for part in parts if not part.repeated for timed in _timed(part, terms)]
    if lines and not lines[0].line.text:
        lines = lines[1:]
    match = _match(lines, hit)
    first = max(match - MOST_LINES, 0)
    title = harmless(" · ".join(filter(None, facts)))
    shown = tuple(timed.line for timed in lines[first : match + MOST_LINES])
    return Preview(item, title, shown, match - first)


class _Timed(NamedTuple):
    at_ms: int
    line: Line


def _timed(part: Part[str], terms: Sequence[Term]) -> Iterator[_Timed]:
    """Yields the lines of a part: what was said whole, of what a tool printed some."""
    is_said = part.kind in ("user", "agent")
    by = f" (sub-agent {part.subagent_id})" if part.subagent_id else ""
    retracted = " (retracted)" if part.retracted else ""
    mark = "✗ " if part.failed else "· "
    heading = f"{'' if is_said else mark}{part.heading}{by}{retracted}"
    if is_said:
        yield _Timed(part.at_ms, Line(""))
    yield _Timed(part.at_ms, _line(heading, terms, "bold" if is_said else ""))
    text = excerpt(harmless(part.text).strip("\n"), terms, LONGEST_PART)
    lines = [_line(f"{'  ' if is_said else '    '}{row}", terms) for row in text.split("\n")] if text else []
    yield from (_Timed(part.at_ms, line) for line in (lines if is_said else _some(lines)))


def _line(text: str, terms: Sequence[Term], style: Literal["", "bold"] = "") -> Line:
    row = harmless(text).replace("\t", "    ").rstrip()
    row = excerpt(row, terms, LONGEST_LINE)
    return Line(row, tuple(word_places(row, terms)), style)


def _some(lines: list[Line]) -> list[Line]:
    """Returns as many lines as are shown of what a tool printed: those around the first with a word, else the first."""
    lit = next((number for number, line in enumerate(lines) if line.places), 0)
    first = max(min(lit - TOOL_LINES // 3, len(lines) - TOOL_LINES), 0)
    shown = lines[first : first + TOOL_LINES]
    cut = Line("    …")
    return [*([cut] if first else []), *shown, *([cut] if first + len(shown) < len(lines) else [])]


def _match(lines: Sequence[_Timed], hit: Hit) -> int:
    """Returns the index of the line that a hit is in: with most of the words, or the first that comes of it."""
    of_hit = {row.strip() for row in harmless(hit.text).replace("\t", "    ").split("\n")}
    since = [number for number, timed in enumerate(lines) if timed.at_ms >= hit.at_ms]
    lit = [number for number in since if lines[number].line.places]
    own = [number for number in lit if lines[number].line.text.strip() in of_hit]
    if own:
        return max(own, key=lambda number: _different_words(lines[number].line))
    return next(iter(lit or since), 0)


def _different_words(line: Line) -> int:
    return len({line.text[start:end].lower() for start, end in line.places})
