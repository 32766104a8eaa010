"""Makes documents of one recorded session."""

from __future__ import annotations

import sqlite3
from collections.abc import Container, Iterable
from importlib import resources
from pathlib import Path
from typing import Literal

from carryover.agents import agent_name
from carryover.errors import ExitCode, UserError
from carryover.export import quoting
from carryover.export.session_parts import SessionEvent, SessionHead, cleaned, of_turns, session_markdown, session_parts
from carryover.ledger.events import session_events
from carryover.ledger.rows import SessionRow
from carryover.past.context import now_ms
from carryover.past.sessions import title_of
from carryover.terminal.output import one_line, printable_json
from carryover.terminal.paths import short_path


def session_document(
    ledger: sqlite3.Connection,
    session: SessionRow,
    form: Literal["md", "html"],
    *,
    full: bool,
    turns: Container[int] | None = None,
) -> str:
    """Returns the document of a session or of some `turns`. `full` adds sub-agents."""
    agent = agent_name(session.agent)
    head = SessionHead(
        id=session.native_id,
        agent=f"{agent} {session.agent_version or ''}".strip() + (f" on {session.machine}" if session.machine else ""),
        title=shown_title(ledger, session),
        project=short_path(session.root, Path.home()) if session.root else "",
        branch=session.branch or "",
        model=session.model or "",
        exported_ms=now_ms(),
    )
    events: Iterable[SessionEvent] = session_events(ledger, session)
    if turns is not None:
        events = of_turns(events, turns)
    parts = cleaned(session_parts(events, agent=agent, root=session.root, subagents=full))
    if form == "html":
        from carryover.export.session_html import session_html

        return "".join(session_html(head, parts, style=_style()))
    return "\n".join(session_markdown(head, parts)) + "\n"


def session_trajectory(ledger: sqlite3.Connection, session: SessionRow, *, full: bool) -> str:
    """Returns a session in ATIF; `full` adds its sub-agents. Raises UserError (NOTHING_FOUND) if it has no step."""
    from carryover.export.atif import Head, trajectory

    head = Head(
        session=session.native_id,
        agent=session.agent,
        agent_name=agent_name(session.agent),
        version=session.agent_version,
        model=session.model,
        title=shown_title(ledger, session) or None,
        branch=session.branch,
        parent=session.parent,
        cwd=session.root,
    )
    made = trajectory(head, session_events(ledger, session), subagents=full)
    if made is None:
        more = "" if full else "; --full exports the work of its sub-agents, if there is any"
        raise UserError(
            f"Of session {session.native_id}, nothing is recorded that can be a step{more}. Nothing was exported.",
            ExitCode.NOTHING_FOUND,
        )
    return printable_json(made.decode())


def shown_title(ledger: sqlite3.Connection, row: SessionRow) -> str:
    """Returns the session's title on one line, without secrets."""
    return one_line(quoting.one_line(title_of(ledger, row)), 120)


def _style() -> str:
    """Returns the style sheet of the page that `carryover ui` opens, as far as an exported session needs it."""
    text = resources.files("carryover.faces.page").joinpath("static", "style.css").read_text("utf-8")
    return text.partition("/* Only of the page itself")[0]
