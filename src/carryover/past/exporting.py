"""Makes documents of one recorded session."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Literal

from carryover.agents import agent_name
from carryover.errors import ExitCode, UserError
from carryover.export import quoting
from carryover.export.atif import trajectory
from carryover.export.session_parts import SessionHead, cleaned, session_markdown, session_parts
from carryover.ledger.events import session_events
from carryover.ledger.rows import SessionRow
from carryover.model import StoredEvent
from carryover.past.context import now_ms
from carryover.past.sessions import title_of
from carryover.terminal.output import printable_json
from carryover.terminal.paths import short_path
from carryover.text.harmless import one_line


def session_document(
    ledger: sqlite3.Connection,
    session: SessionRow,
    form: Literal["md", "atif"],
    *,
    full: bool,
) -> str:
    """Returns a session as Markdown or in ATIF. `full` adds sub-agents.

    Raises UserError (NOTHING_FOUND) for ATIF if nothing in it is a step.
    """
    head = _head(ledger, session)
    events = session_events(ledger, session, subagents=full)
    if form == "atif":
        return _trajectory(head, events, full=full)
    parts = cleaned(session_parts(events, agent=head.agent_name, root=session.root))
    return "\n".join(session_markdown(head, parts)) + "\n"


def _head(ledger: sqlite3.Connection, session: SessionRow) -> SessionHead:
    return SessionHead(
        id=session.native_id,
        agent=session.agent,
        agent_name=agent_name(session.agent),
        version=session.agent_version or "",
        machine=session.machine,
        title=shown_title(ledger, session),
        root=session.root or "",
        project=short_path(session.root) if session.root else "",
        branch=session.branch or "",
        model=session.model or "",
        parent=session.parent or "",
        exported_ms=now_ms(),
    )


def _trajectory(head: SessionHead, events: Iterable[StoredEvent], *, full: bool) -> str:
    document = trajectory(head, events)
    if document is None:
        more = "" if full else "; --full exports the work of its sub-agents, if there is any"
        raise UserError(
            f"Of session {head.id}, nothing is recorded that can be a step{more}. Nothing was exported.",
            ExitCode.NOTHING_FOUND,
        )
    return printable_json(document.decode())


def shown_title(ledger: sqlite3.Connection, row: SessionRow) -> str:
    """Returns the session's title on one line, without secrets."""
    return one_line(quoting.quoted_line(title_of(ledger, row)), 120)
