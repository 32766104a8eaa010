"""Shows the conversation of one recorded session."""

from __future__ import annotations

import sqlite3
from collections.abc import Container, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from carryover.agents import agent_name
from carryover.export.session_parts import Part, SessionEvent, begins_turn, of_turns, session_parts
from carryover.ledger.events import session_events
from carryover.ledger.rows import SessionRow
from carryover.past.opened import opened_session
from carryover.past.session_entries import title_of

ShownPart = Part[str]
"""A prompt, an answer, or a line on what happened."""


class Conversation:
    """A session whose events are read from the open ledger as they are asked for, since it may be large."""

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
        return sum(map(begins_turn, self.events()))

    def events(self, turns: Container[int] | None = None, *, subagents: bool = True) -> Iterator[Any]:
        """Yields its events, or those of some `turns`, as they are recorded."""
        found: Iterator[SessionEvent] = iter(session_events(self.ledger, self.session))
        if turns is not None:
            found = of_turns(found, turns)
        return found if subagents else (event for event in found if not event.subagent_id)

    def parts(self, turns: Container[int] | None = None, *, full: bool, subagents: bool = True) -> Iterator[ShownPart]:
        """Yields what is shown of its events; `full` adds the work of sub-agents."""
        events = self.events(turns, subagents=subagents)
        return session_parts(events, agent=self.agent, root=self.session.root, subagents=full)


@contextmanager
def conversation_of(name: str) -> Iterator[Conversation]:
    """Opens the session that a user calls `name`: its id, the beginning of one, or `last`. Raises UserError."""
    with opened_session(name) as (ledger, session):
        yield Conversation(ledger, session)
