"""One recorded session: its conversation, some turns of it, or a document of it. Read-only and blocking."""

from __future__ import annotations

import sqlite3
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Final, Literal

from carryover.agents import agent_name
from carryover.clock import utc_now_ms
from carryover.errors import ExitCode, UserError
from carryover.export.quoting import quoted_line
from carryover.export.session_parts import Part, SessionHead, cleaned, numbered, session_markdown, session_parts
from carryover.ledger.events import session_events, turn_starts
from carryover.ledger.rows import SessionRow
from carryover.model import LAST, StoredEvent
from carryover.past.context import project_root
from carryover.past.opened import Want, opened, session_named
from carryover.past.titles import title_of
from carryover.terminal.output import printable_json
from carryover.terminal.paths import short_path
from carryover.text.harmless import one_line

_TITLE_CHARS: Final = 120
ShownPart = Part[str]
"""A prompt, an answer, or a line on what happened."""


class OpenedSession:
    """A session whose events are read from the open ledger as they are asked for, since it may be large.

    with opened_session("3f2a") as shown:
        newest = [part.text for part in shown.shown_parts([shown.turns])]
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
        return events if turns is None else (event for turn, event in numbered(events) if turn in turns)

    def shown_parts(self, turns: Container[int] | None = None, *, subagents: bool = False) -> Iterator[ShownPart]:
        """Yields what is shown of its events, or of some `turns`; with `subagents`, of their work too."""
        events = self.events(turns, subagents=subagents)
        return session_parts(events, agent=self.agent, root=self.session.root)


@contextmanager
def opened_session(name: str) -> Iterator[OpenedSession]:
    """Opens the session that a user calls `name`; see `session_named`."""
    if not name:  # else all transcripts are read first if there is no ledger
        raise UserError("The session id is empty. `carryover sessions` lists the ids.", ExitCode.USAGE)
    narrowed = opened(Want.LISTED, project_root(None)) if name == LAST else opened(Want.AS_IT_IS, session=name)
    with narrowed as (ledger, _):
        yield OpenedSession(ledger, session_named(ledger, name))


def session_document(opened: OpenedSession, form: Literal["md", "atif"], *, full: bool) -> str:
    """Returns a session as Markdown or in ATIF. `full` adds sub-agents.

    Raises UserError (NOTHING_FOUND) for ATIF if nothing in it is a step.
    """
    head = _head(opened)
    if form == "atif":
        return _trajectory(head, opened.events(subagents=full), full=full)
    return "\n".join(session_markdown(head, cleaned(opened.shown_parts(subagents=full)))) + "\n"


def _head(opened: OpenedSession) -> SessionHead:
    session = opened.session
    return SessionHead(
        id=session.native_id,
        agent=session.agent,
        agent_name=opened.agent,
        version=session.agent_version or "",
        machine=session.machine,
        title=one_line(quoted_line(opened.title), _TITLE_CHARS),
        root=session.root or "",
        project=short_path(session.root) if session.root else "",
        branch=session.branch or "",
        model=session.model or "",
        parent=session.parent or "",
        exported_ms=utc_now_ms(),
    )


def _trajectory(head: SessionHead, events: Iterable[StoredEvent], *, full: bool) -> str:
    from carryover.export.atif import trajectory  # only needed for this form

    document = trajectory(head, events)
    if document is None:
        more = "" if full else "; --full exports the work of its sub-agents, if there is any"
        raise UserError(
            f"Of session {head.id}, nothing is recorded that can be a step{more}. Nothing was exported.",
            ExitCode.NOTHING_FOUND,
        )
    return printable_json(document.decode())
