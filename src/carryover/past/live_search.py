"""Lists sessions, and what a person searches while they type: each query and preview is answered in a thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Final, Generic, NamedTuple, TypeVar

from carryover.agents import agent_name, agent_names
from carryover.errors import ExitCode, UserError
from carryover.install.machine import Machine, startable_here
from carryover.ledger.connect import file_of
from carryover.ledger.events import turn_of, turn_starts
from carryover.ledger.queries import agents_seen, by_last_use, projects, session_ids, sessions, shortest_unique
from carryover.ledger.rows import ProjectRow, SessionRow
from carryover.ledger.search import EventHit, Query, search
from carryover.ledger.search_text import SearchKind, Term, best_part, terms_of
from carryover.past.context import first_day_ms, now_ms, project_root, settings_to_print, state_dir
from carryover.past.latest import Latest
from carryover.past.live_preview import Item, Preview, WantedPreview, preview_of
from carryover.past.opened import Want, opened
from carryover.past.search import said_otherwise
from carryover.past.sessions import title_of
from carryover.terminal.output import local_time
from carryover.terminal.paths import short_path
from carryover.text.harmless import harmless

LISTED: Final = 100
"""How many hits are listed."""
_SESSIONS: Final = 200
"""How many sessions are listed, and have their names compared with what is typed."""
NAMED: Final = 5
"""How many sessions are listed because of their names, before the hits."""
_LINE_CHARS: Final = 600
"""How much of a hit is kept for its row: more than a terminal is wide."""
_MOST_BYTES: Final = 24_000_000
"""Without a ledger, at most this many bytes of the newest transcripts are read."""
LONGEST_QUERY: Final = 1_000
"""Maximum length of a query, in characters: a page may be pasted."""
SINGLE_DAYS: Final = 7
"""How many days can be chosen one by one."""
PERIODS: Final = (7, 30)
"""Periods of so many days with today."""

SOME_WORDS: Final = "No entry has all of these words; these have some of them."

_Value = TypeVar("_Value")


class TimeSpan(NamedTuple):
    """A time from `since_ms` to `until_ms`, exclusive (UTC ms); None: without an end there."""

    since_ms: int | None = None
    until_ms: int | None = None


class ListQuery(NamedTuple):
    """What is to be listed: the sessions or, if words are typed, the hits that meet the filters."""

    typed: str
    agent: str | None = None
    project_id: int | None = None
    span: TimeSpan = TimeSpan()
    kinds: tuple[SearchKind, ...] = ()


class Listing(NamedTuple):
    """The answer to a query: sessions, newest first, or hits, best first."""

    query: ListQuery
    items: tuple[Item, ...]
    terms: tuple[Term, ...] = ()
    """What was searched; none if the sessions are listed because nothing was."""
    more: bool = False
    """Whether there are more hits than are listed."""
    note: str = ""
    """In what way the list is not what was asked for, or not all of it."""


@dataclass
class Filter(Generic[_Value]):
    """A filter with its values, of which one is chosen.

    >>> agent = Filter("agent", {"any": None, "Codex": "codex"})
    >>> agent.move(1)
    >>> agent.label, agent.value
    ('Codex', 'codex')
    """

    name: str
    values: dict[str, _Value]
    """By their labels; the first limits nothing."""
    chosen: int = 0
    """The number of the chosen value."""

    @property
    def label(self) -> str:
        """What the chosen value is called."""
        return list(self.values)[self.chosen]

    @property
    def value(self) -> _Value:
        """The chosen value."""
        return self.values[self.label]

    def move(self, by: int) -> None:
        """Chooses the next value; the first one comes after the last."""
        self.chosen = (self.chosen + by) % len(self.values)


class LiveSearch:
    """What is recorded, open while a person looks through it.

    with live_search() as live:
        live.agent.move(1)  # only the sessions of the next agent
        listing = await live.listings.answer(live.query("discount"))  # in a thread
    """

    def __init__(
        self,
        ledger: sqlite3.Connection,
        project: ProjectRow | None,
        *,
        agent: str | None,
        since_ms: int | None,
        kinds: Sequence[SearchKind],
    ) -> None:
        self._ledger = ledger
        self._project_id = project.id if project is not None else None
        self._kinds = tuple(kinds)
        self.agent = agent_filter(ledger, agent)
        self.project = project_filter(ledger, project)
        self.day = day_filter(since_ms)
        path = file_of(ledger)
        self.listings: Latest[ListQuery, Listing] = Latest(path, listing_of)
        self.previews: Latest[WantedPreview, Preview] = Latest(
            path, partial(preview_of, shortest_unique(session_ids(ledger)))
        )

    @cached_property
    def agents(self) -> dict[str, str]:
        """The names of the agents that can take over on this machine, by id, the one last used here first."""
        settings = settings_to_print(state_dir()).agents
        able = startable_here(settings.selected, Machine.here(settings.recorded_env()))
        return {agent: agent_name(agent) for agent in by_last_use(self._ledger, able, self._project_id)}

    def query(self, typed: str) -> ListQuery:
        """Returns what is to be listed, as the filters are set."""
        words = " ".join(typed[:LONGEST_QUERY].split())
        return ListQuery(words, self.agent.value, self.project.value, self.day.value, self._kinds)

    def toggle_project(self) -> bool:
        """Switches between all projects and this one; returns False if nothing is recorded of this one."""
        if self._project_id is None:
            return False
        self.project.chosen = 0 if self.project.chosen else 1
        return True

    def turn(self, hit: EventHit) -> int:
        """Returns the number of the turn that a hit is in."""
        return turn_of(turn_starts(self._ledger, hit.session_id), hit.event_id, hit.at_ms, hit.subagent_id)


@contextmanager
def live_search(
    project: str | None = None,
    *,
    everywhere: bool = False,
    agent: str | None = None,
    since_ms: int | None = None,
    kinds: Sequence[SearchKind] = (),
) -> Iterator[LiveSearch | None]:
    """Opens what is recorded, of this project or of all; None if there is nothing.

    All projects are listed if nothing is recorded of this one, or `everywhere`. Raises UserError (NOTHING_FOUND) if
    nothing is recorded of the project that the folder `project` is in.
    """
    root = None if everywhere else project_root(project, elsewhere=True)
    with opened(Want.LISTED, root, most_bytes=_MOST_BYTES) as (ledger, row):
        if not sessions(ledger, limit=1):
            yield None
            return
        if project is not None and row is None:
            nothing = f"No session is recorded for {root}. `carryover search --all` searches every project."
            raise UserError(nothing, ExitCode.NOTHING_FOUND)
        yield LiveSearch(ledger, row, agent=agent, since_ms=since_ms, kinds=kinds)


def is_kept() -> bool:
    """Whether there is a ledger, so that what is shown stays."""
    return state_dir().ledger.exists()


def folders_looked_in() -> dict[str, list[Path]]:
    """Returns the folders in which sessions were looked for, by the agents' names."""
    from carryover.past.from_disk import folders_to_read

    names = agent_names()
    folders: dict[str, list[Path]] = {}
    for root in folders_to_read(settings_to_print(state_dir())):
        folders.setdefault(names.get(root.agent_id, root.agent_id), []).append(root.path)
    return folders


def agent_filter(ledger: sqlite3.Connection, chosen: str | None) -> Filter[str | None]:
    """Returns the agents that recorded anything, the newest first; at first any, or the one that is `chosen`."""
    seen = sorted(agents_seen(ledger), key=lambda row: row.last_event_ms or 0, reverse=True)
    ids = [*(row.agent for row in seen), *([chosen] if chosen else [])]
    values: dict[str, str | None] = {"any": None, **{agent_name(agent): agent for agent in ids}}
    return Filter("agent", values, list(values.values()).index(chosen))


def project_filter(ledger: sqlite3.Connection, this: ProjectRow | None) -> Filter[int | None]:
    """Returns the projects, at first `this` one, which is the first of them; or all."""
    rows = ([this] if this is not None else []) + projects(ledger)
    home = Path.home()
    ids = {short_path(row.root, home): row.id for row in rows}
    return Filter("project", {"all": None, **ids}, 0 if this is None else 1)


def day_filter(since_ms: int | None) -> Filter[TimeSpan]:
    """Returns the days that can be chosen, and periods until now: at first any time, or what is since `since_ms`."""
    starts = [first_day_ms(number) for number in range(1, SINGLE_DAYS + 1)]
    names = ["today", "yesterday", *map(_day, starts[2:])]
    ends = [None, *starts[:-1]]
    days = {name: TimeSpan(start, end) for name, start, end in zip(names, starts, ends, strict=True)}
    periods = {f"last {number} days": TimeSpan(first_day_ms(number)) for number in PERIODS}
    if since_ms is None:
        return Filter("day", {"any": TimeSpan(), **days, **periods})
    return Filter("day", {"any": TimeSpan(), f"since {local_time(since_ms)}": TimeSpan(since_ms), **days, **periods}, 1)


def _day(start_ms: int) -> str:
    return f"{datetime.fromtimestamp(start_ms / 1000).astimezone():%a %d %b}"


def listing_of(db: sqlite3.Connection, wanted: ListQuery) -> Listing:
    """Returns the newest sessions or, if there is a word in the query, the best hits; before them, a few sessions whose
    names have all of its words."""
    terms = terms_of(wanted.typed)
    if not terms:
        return Listing(wanted, tuple(_session_item(db, row) for row in _sessions(db, wanted)))
    named = [] if wanted.kinds else [row for row in _sessions(db, wanted) if _has_words(row, wanted)][:NAMED]
    query = Query(
        terms=terms,
        project_id=wanted.project_id,
        agent=wanted.agent,
        since_ms=wanted.span.since_ms,
        until_ms=wanted.span.until_ms,
        kinds=wanted.kinds,
    )
    results = search(db, query, limit=LISTED + 1, now_ms=now_ms())
    notes = [f"{said_otherwise(results.corrected)}."] if results.corrected else []
    if not results.has_all:
        notes.append(SOME_WORDS)
    if results.indexed < 1:
        notes.append(f"Only {results.indexed:.0%} of what is recorded can be searched yet, the newest first.")
    items = (
        *(_session_item(db, row) for row in named),
        *(_hit_item(hit, results.terms) for hit in results.hits[:LISTED]),
    )
    return Listing(wanted, items, results.terms, more=len(results.hits) > LISTED, note=" ".join(notes))


def _sessions(db: sqlite3.Connection, wanted: ListQuery) -> list[SessionRow]:
    since_ms, until_ms = wanted.span
    return sessions(db, wanted.project_id, limit=_SESSIONS, agent=wanted.agent, since_ms=since_ms, until_ms=until_ms)


def _has_words(row: SessionRow, wanted: ListQuery) -> bool:
    """Whether each word is in what a session is known by; its project counts only among others."""
    project = row.root if wanted.project_id is None else None
    names = [name.lower() for name in (row.native_id, agent_name(row.agent), row.branch, row.title, project) if name]
    return all(any(word in name for name in names) for word in wanted.typed.lower().split())


def _session_item(db: sqlite3.Connection, row: SessionRow) -> Item:
    return Item(
        session=row.native_id,
        agent=row.agent,
        root=row.root,
        at_ms=row.last_ms,
        kind="session",
        by=agent_name(row.agent, row.machine),
        project=_project(row.root),
        line=_on_one_line(title_of(db, row))[:_LINE_CHARS],
    )


def _hit_item(hit: EventHit, terms: tuple[Term, ...]) -> Item:
    return Item(
        session=hit.session,
        agent=hit.agent,
        root=hit.root,
        at_ms=hit.at_ms,
        kind=hit.kind,
        by=agent_name(hit.agent, hit.machine),
        project=_project(hit.root),
        line=best_part(_on_one_line(hit.text), terms, _LINE_CHARS),
        hit=hit,
    )


def _project(root: str | None) -> str:
    return short_path(root, Path.home()) if root else "?"


def _on_one_line(text: str) -> str:
    return " ".join(harmless(text).split())
