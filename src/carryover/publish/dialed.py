"""Makes a handoff for a budget: one above that of a project's file is filled from the ledger's events. Blocks."""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Iterator

from msgspec.structs import replace

from carryover.agents import agent_names
from carryover.config import Config
from carryover.distill.handoff import MAX_TOKENS
from carryover.distill.render import rendered
from carryover.distill.trail import past_of
from carryover.distill.view import ProjectView, SessionView
from carryover.export.dial import Happened, dialed
from carryover.facts import GitFacts, ProjectRoot
from carryover.ledger.events import events_back
from carryover.ledger.queries import session_of
from carryover.model import UserPrompt
from carryover.publish.make import Refreshed, made_handoff, view_now


def dialed_handoff(
    db: sqlite3.Connection,
    project: int | ProjectRoot,
    config: Config,
    *,
    tokens: int | None,
    now_ms: int,
    last_git: GitFacts | None = None,
    own: str | None = None,
) -> Refreshed:
    """Returns what `made_handoff` does, for a budget of `tokens`; None is that of a project's file."""
    made = made_handoff(db, project, config, now_ms=now_ms, last_git=last_git, own=own)
    if made.handoff is None or tokens is None or tokens == MAX_TOKENS:
        return made
    view = view_now(db, project, config)
    past = past_of(view, now_ms=made.at_ms, own=own, names=agent_names())
    handoff = dialed(made.handoff, past, newest_first(db, view), tokens)
    text, sections = rendered(handoff)
    return replace(made, handoff=handoff, text=text, sections=sections)


def newest_first(db: sqlite3.Connection, view: ProjectView) -> Iterator[Happened]:
    """Yields the events of the view's sessions with their turns, newest first; reads only as many as are consumed."""
    return heapq.merge(*(_of_session(db, session) for session in view.sessions), key=lambda event: -event.at_ms)


def _of_session(db: sqlite3.Connection, view: SessionView) -> Iterator[Happened]:
    row = session_of(db, view.agent, view.session)
    turn = view.digest.prompts
    for at_ms, body in events_back(db, row.id) if row is not None else ():
        yield Happened(view, turn, at_ms, body)
        turn -= isinstance(body, UserPrompt) and body.begins_turn
