"""Lists the sessions that a person picks from, with what the picker shows of each."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from msgspec import to_builtins

from carryover.agents import agent_name, agent_names
from carryover.distill.digest import Digest
from carryover.ledger.queries import by_last_use, session_ids, sessions, shortest_unique
from carryover.ledger.rows import SessionRow
from carryover.ledger.search_text import Kind
from carryover.past.context import now_ms, project_root, settings_to_print, state_dir
from carryover.past.opened import Want, opened
from carryover.past.sessions import session_of_row
from carryover.publish.project_view import session_digest
from carryover.terminal.output import harmless

MOST: Final = 200
"""Maximum number of sessions on each list: this project's, and all."""
MOST_BYTES: Final = 24_000_000
"""Without a ledger, at most this many bytes of the newest transcripts are read."""
TURNS: Final = 6
"""How many turns the preview shows."""
FILES: Final = 6
MOST_MATCHES: Final = 400
"""How many of the best matches are ranked by; sessions that have only others come after them, newest first."""
MATCH_CHARS: Final = 400
"""Maximum length of the part of a match that is shown."""
_FILTERED: Final[tuple[Kind, ...]] = ("prompt", "answer", "path")


class Turn(NamedTuple):
    """A turn, as the preview shows it."""

    prompt: str
    answer: str
    last_ms: int
    changes: int
    commits: tuple[str, ...]
    end: str


class Preview(NamedTuple):
    """The newest turns of a session, and the names of the files that were touched last."""

    turns: tuple[Turn, ...]
    files: tuple[str, ...]
    more_files: int


class Match(NamedTuple):
    """The entry of a session that matches the filter best."""

    kind: Kind
    at_ms: int
    excerpt: str
    """The part of it with most of the words, on one line."""


class Choice:
    """The sessions to pick from, newest first, in a ledger that is open. Entries are `Session`s as dictionaries."""

    def __init__(
        self, ledger: sqlite3.Connection, here: Sequence[SessionRow], everywhere: Sequence[SessionRow]
    ) -> None:
        self._ledger = ledger
        self._rows = {row.native_id: row for row in (*everywhere, *here)}
        self._project_id = here[0].project_id if here else None
        short = shortest_unique(session_ids(ledger))
        each = {row.id: row for row in (*here, *everywhere)}
        entries = {
            number: to_builtins(session_of_row(ledger, row, short[row.native_id])) for number, row in each.items()
        }
        self.here = [entries[row.id] for row in here]
        """Sessions of the current project; empty outside a project."""
        self.everywhere = [entries[row.id] for row in everywhere]
        self.names: Mapping[str, str] = agent_names()
        """Display names of agents, by id."""
        self.agents = cache(self._agents)
        """Returns id and name of each agent that can take over on this machine, the one last used here first."""
        self.find = cache(self._find)
        """Returns the ids of the sessions that have a word, or a longer one that begins so."""
        self.matches = cache(self._matches)
        """Returns the best match of each session, of this project or `everywhere`, by its id, best first."""
        self.preview = cache(self._preview)
        """Returns what the preview shows of the session with this id."""

    def _agents(self) -> list[tuple[str, str]]:
        return agents_here(self._ledger, self._project_id)

    def _find(self, word: str) -> frozenset[str]:
        from carryover.ledger.search import Query, sessions_with
        from carryover.ledger.search_text import terms_of

        return frozenset(sessions_with(self._ledger, Query(terms=terms_of(word), kinds=_FILTERED)))

    def _matches(self, typed: str, everywhere: bool) -> dict[str, Match]:
        from carryover.ledger.search import Query, search
        from carryover.ledger.search_text import excerpt, terms_of

        terms = terms_of(typed)
        if not terms:
            return {}
        found: dict[str, Match] = {}
        project_id = None if everywhere else self._project_id
        wanted = Query(terms=terms, project_id=project_id, kinds=_FILTERED)
        for hit in search(self._ledger, wanted, limit=MOST_MATCHES, now_ms=now_ms()).hits:
            if hit.session not in found:
                line = " ".join(harmless(hit.text).split())
                found[hit.session] = Match(hit.kind, hit.at_ms, excerpt(line, terms, MATCH_CHARS))
        return found

    def _preview(self, session: str) -> Preview:
        return preview_of(session_digest(self._ledger, self._rows[session]))


@contextmanager
def choice() -> Iterator[Choice | None]:
    """Opens the sessions of this project and of all, as they are recorded or on disk; None if there is none."""
    with opened(Want.FOLLOWED, project_root(None), most_bytes=MOST_BYTES) as (ledger, project):
        here = sessions(ledger, project.id, limit=MOST) if project is not None else []
        everywhere = sessions(ledger, limit=MOST)
        yield Choice(ledger, here, everywhere) if everywhere else None


def agents_here(ledger: sqlite3.Connection, project_id: int | None) -> list[tuple[str, str]]:
    """Returns id and name of each agent that can take over on this machine, the one last used in the project first."""
    from carryover.install.machine import Machine, startable_here

    tools = settings_to_print(state_dir()).agents
    able = startable_here(tools.selected, Machine.here(tools.recorded_env()))
    return [(agent, agent_name(agent)) for agent in by_last_use(ledger, able, project_id)]


def is_kept() -> bool:
    """Whether there is a ledger, so that what is shown stays."""
    return state_dir().ledger.exists()


def looked_in() -> dict[str, list[Path]]:
    """Returns the folders in which sessions were looked for, by the agents' names."""
    from carryover.past.from_disk import folders_to_read

    names = agent_names()
    found: dict[str, list[Path]] = {}
    for root in folders_to_read(settings_to_print(state_dir())):
        found.setdefault(names.get(root.agent_id, root.agent_id), []).append(root.path)
    return found


def lit(line: str, typed: str) -> list[tuple[int, int]]:
    """Returns where the words of the filter are in `line`: start and end, in order."""
    from carryover.ledger.search_text import spans, terms_of

    return spans(line, terms_of(typed))


def preview_of(digest: Digest) -> Preview:
    """Returns what is shown of a digest."""
    turns = [
        Turn(turn.prompt, turn.answer, turn.last_ms, turn.changes, tuple(turn.commits), turn.end or "")
        for turn in digest.turns[-TURNS:]
    ]
    files = [str(Path(*Path(file.path).parts[-2:])) for file in digest.touched[-FILES:]]
    return Preview(tuple(turns), tuple(files), len(digest.touched) - len(files))
