"""Finds what was said, run, touched or failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from carryover.agents import agent_name
from carryover.errors import ExitCode, UserError
from carryover.ledger import search_text
from carryover.ledger.events import TurnStart, turn_of, turn_starts
from carryover.ledger.queries import session_ids, shortest_unique
from carryover.ledger.rows import ProjectRow
from carryover.ledger.search import Hit, Query, search
from carryover.ledger.search_text import Kind, Term, terms_of, window
from carryover.past.context import now_ms, project_root
from carryover.past.opened import Want, opened
from carryover.past.session_entries import show_command

KINDS: Final[tuple[str, ...]] = search_text.KINDS
"""What a hit may be."""
_NO_PROJECT: Final = 0
"""An id that no project has."""


class Place(NamedTuple):
    """A hit: an entry of a session that has what was searched."""

    hit: Hit
    agent: str
    """The agent's display name, with the machine that it ran on if that is another."""
    short: str
    """The shortest unique prefix of the session's id."""
    turn: int
    """The number of the turn in its session; 0 before the first prompt."""

    @property
    def show(self) -> str:
        """The command that shows the turn."""
        return self._show(self.short)

    def _show(self, session: str) -> str:
        return show_command(session, self.turn, subagent=self.hit.subagent_id is not None)

    def as_data(self) -> dict[str, Any]:
        """Returns the hit as `carryover search --json` prints it."""
        return {
            "id": self.hit.session,
            "short": self.short,
            "agent": self.hit.agent,
            "machine": self.hit.machine or None,
            "project": self.hit.root,
            "subagent_id": self.hit.subagent_id,
            "turn": self.turn,
            "show": self._show(self.hit.session),
            "kind": self.hit.kind,
            "at_ms": self.hit.at_ms,
            "times": self.hit.times,
            "text": self.hit.text,
        }


class Search(NamedTuple):
    """What a search found, best first."""

    root: str | None
    """The project that was searched; None for all."""
    is_known: bool
    """Whether anything is recorded of that project."""
    terms: tuple[Term, ...]
    places: list[Place]
    has_all: bool
    """Whether each place has all of the words, not only some."""
    indexed: float
    """The share of what is recorded that can be searched yet."""
    corrected: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Words that nothing has, each with those that were searched in its place."""

    def window(self, line: str, chars: int) -> tuple[int, int, list[tuple[int, int]]]:
        """Returns where the part of `line` with most of the words begins and ends, and where the words are."""
        return window(line, self.terms, chars)


def said_otherwise(corrected: Sequence[tuple[str, Sequence[str]]]) -> str:
    """Returns what was searched in place of words that nothing has, as words without a full stop."""
    return "; ".join(f"No entry has {typed!r}, these have {' or '.join(map(repr, used))}" for typed, used in corrected)


def searched(
    query: str,
    project: str | None,
    *,
    everywhere: bool,
    agent: str | None,
    since_ms: int | None,
    kinds: Sequence[Kind],
    limit: int,
) -> Search:
    """Searches what is recorded of the project that the folder `project` is in, or `everywhere`.

    Raises UserError (USAGE) if there is no word in `query`.
    """
    terms = terms_of(query)
    if not terms:
        raise UserError(f"{query!r} has no letter and no digit to search for.", ExitCode.USAGE)
    root = None if everywhere else project_root(project, elsewhere=True)
    with opened(Want.LISTED, root) as (ledger, known):
        wanted = Query(
            terms=terms, project_id=_searched_id(root, known), agent=agent, since_ms=since_ms, kinds=tuple(kinds)
        )
        found = search(ledger, wanted, limit=limit, now_ms=now_ms())
        short = shortest_unique(session_ids(ledger)) if found.hits else {}
        starts = {session: turn_starts(ledger, session) for session in {hit.session_id for hit in found.hits}}
    return Search(
        root=root,
        is_known=root is None or known is not None,
        terms=found.terms,
        places=[_place(hit, short[hit.session], starts[hit.session_id]) for hit in found.hits],
        has_all=found.has_all,
        indexed=found.indexed,
        corrected=found.corrected,
    )


def _place(hit: Hit, short: str, starts: Sequence[TurnStart]) -> Place:
    turn = turn_of(starts, hit.event_id, hit.at_ms, hit.subagent_id)
    return Place(hit, agent_name(hit.agent, hit.machine), short, turn)


def _searched_id(root: str | None, known: ProjectRow | None) -> int | None:
    if root is None:
        return None
    return known.id if known is not None else _NO_PROJECT
