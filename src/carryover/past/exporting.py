"""Makes documents of one recorded session."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from carryover.errors import ExitCode, UserError
from carryover.export import quoting
from carryover.export.atif import trajectory
from carryover.export.session_parts import SessionHead, cleaned, session_markdown
from carryover.model import StoredEvent
from carryover.past.context import now_ms
from carryover.past.session import OpenedSession
from carryover.terminal.output import printable_json
from carryover.terminal.paths import short_path
from carryover.text.harmless import one_line

_TITLE_CHARS: Final = 120


def session_document(opened: OpenedSession, form: Literal["md", "atif"], *, full: bool) -> str:
    """Returns a session as Markdown or in ATIF. `full` adds sub-agents.

    Raises UserError (NOTHING_FOUND) for ATIF if nothing in it is a step.
    """
    head = _head(opened)
    if form == "atif":
        return _trajectory(head, opened.events(subagents=full), full=full)
    return "\n".join(session_markdown(head, cleaned(opened.parts(subagents=full)))) + "\n"


def _head(opened: OpenedSession) -> SessionHead:
    session = opened.session
    return SessionHead(
        id=session.native_id,
        agent=session.agent,
        agent_name=opened.agent,
        version=session.agent_version or "",
        machine=session.machine,
        title=one_line(quoting.quoted_line(opened.title), _TITLE_CHARS),
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
