"""One session as Markdown or as a web page, for `carryover export --session`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Literal

from carryover.agents import agent_names
from carryover.cli.recorded import ledger_with_session
from carryover.export.quoting import one_line
from carryover.export.session_html import session_html
from carryover.export.session_markdown import session_markdown
from carryover.export.session_parts import SessionHead, cleaned, session_parts
from carryover.ledger.queries import session_events
from carryover.paths import short_path


def session_text(name: str, form: Literal["md", "html"], *, full: bool) -> str:
    """The session whose id `name` is or begins, or the newest for `last`. `full` adds the work of its sub-agents.

    Raises UserError where there is none, or several.
    """
    with ledger_with_session(name) as (ledger, session):
        agent = agent_names().get(session.agent, session.agent)
        head = SessionHead(
            id=session.native_id,
            agent=f"{agent} {session.agent_version or ''}".strip(),
            title=one_line(session.title or ""),
            project=short_path(session.root, Path.home()) if session.root else "",
            branch=session.branch or "",
            model=session.model or "",
            exported_ms=int(time.time() * 1000),
        )
        events = session_events(ledger, session)
        parts = cleaned(session_parts(events, agent=agent, root=session.root, subagents=full))
        if form == "html":
            return "".join(session_html(head, parts))
        return "\n".join(session_markdown(head, parts)) + "\n"
