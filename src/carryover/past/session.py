"""One recorded session: its conversation, or some turns of it. Read-only and blocking."""

from __future__ import annotations

import sqlite3
from collections.abc import Container, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from carryover.agents import agent_name
from carryover.errors import ExitCode, UserError
from carryover.export.session_parts import Part, of_turns, session_parts
from carryover.ledger.events import session_events, turn_starts
from carryover.ledger.rows import SessionRow
from carryover.model import LAST
from carryover.past.context import project_root
from carryover.past.opened import Want, opened, session_named
from carryover.past.titles import title_of

ShownPart = Part[str]
"""A prompt, an answer, or a line on what happened."""


class OpenedSession:
    """A session whose events are read from the open ledger as they are asked for, since it may be large.

    with opened_session("3f2a") as shown:
        newest = [part.text for part in shown.parts([shown.turns])]
    """

    def __init__(self, ledger: sqlite3.Connection, session: SessionRow) -> None:
        self.ledger = ledger
        self.session = session

    @property
    def agent(self) -> str:
        """The agent's display name."""
        return agent_name(self.session.agent)

    @cached_property
    def title(self) -> str:
        """The title that it has, else the first prompt with a goal, on one line; empty if nothing was asked."""
        return title_of(self.ledger, self.session)

    @cached_property
    def turns(self) -> int:
        """How many prompts began a turn."""
        return len(turn_starts(self.ledger, self.session.id))

    def events(self, turns: Container[int] | None = None, *, subagents: bool = True) -> Iterator[Any]:
        """Yields its events, or those of some `turns`, as they are recorded."""
        events = session_events(self.ledger, self.session, subagents=subagents)
        return events if turns is None else of_turns(events, turns)

    def parts(self, turns: Container[int] | None = None, *, subagents: bool = False) -> Iterator[ShownPart]:
        """Yields what is shown of its events, or of some `turns`; with `subagents`, of their work too."""
        events = self.events(turns, subagents=subagents)
        return session_parts(events, agent=self.agent, root=self.session.root)


@contextmanager
def opened_session(name: str) -> Iterator[OpenedSession]:
    """Opens the session that a user calls `name`; see `session_named`."""
    if not name:
        raise UserError("The session id is empty. `carryover sessions` lists the ids.", ExitCode.USAGE)
    narrowed = opened(Want.LISTED, project_root(None)) if name == LAST else opened(Want.AS_IT_IS, session=name)
    with narrowed as (ledger, _):
        yield OpenedSession(ledger, session_named(ledger, name))
