"""The usage limit that stopped the newest work: when it resets, and what continues elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from carryover.distill.trail import Step, is_idle
from carryover.distill.view import ProjectView, SessionView
from carryover.facts import Clock
from carryover.text.reset_times import LASTS_MS, reset_quoted

MOST_NAMED: Final = 3
"""How many agents are named beside the one of the command."""


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """An agent stopped at its usage limit, and no session has continued since."""

    agent: str
    at_ms: int
    resets: str | None = None
    """When the agent can continue, if its message says so."""
    others: tuple[str, ...] | None = ()
    """Ids of the agents that are offered instead; None if nothing is to be offered."""
    spent: tuple[str, ...] = ()
    """Ids of other agents that reached their own limit shortly before."""


def standing_limit(view: ProjectView, startable: Sequence[str] | None) -> Limit | None:
    """Returns the limit that stopped the project's newest work; None once any session has continued. It offers those of
    the `startable` agents (ids) that did not reach their own limit shortly before; nothing at all if None."""
    limit = _newest_limit(view.sessions)
    if limit is None:
        return None
    spent = []
    for agent in sorted({session.agent for session in view.sessions} - {limit.agent}):
        last = _newest_limit(one for one in view.sessions if one.agent == agent)
        if last is not None and last.at_ms >= limit.at_ms - LASTS_MS:
            spent.append(agent)
    others = None if startable is None else tuple(one for one in startable if one not in (limit.agent, *spent))
    return replace(limit, others=others, spent=tuple(spent))


def limit_line(limit: Limit, name: str, clock: Clock) -> str | None:
    """Returns the limit as a line of the handoff; None if it would only repeat that the work was stopped."""
    notes = [f"it resets {reset_quoted(limit.resets, limit.at_ms, clock)}"] if limit.resets else []
    if limit.others is not None:
        first, *more = limit.others or ("AGENT",)
        named = [*more[:MOST_NAMED], *(["others"] if len(more) > MOST_NAMED else [])]
        others = f" (or {', '.join(named)})" if named else ""
        notes.append(f"for the user: `{command(first)}`{others} continues elsewhere")
    return "; ".join([f"{name} reached its usage limit", *notes]) if notes else None


def command(agent: str) -> str:
    """Returns the command that a person types in the project to continue in `agent`."""
    return f"carryover to {agent}"


def _newest_limit(sessions: Iterable[SessionView]) -> Limit | None:
    known = sorted(sessions, key=lambda session: session.session)
    limit: Limit | None = None
    for session in known:
        ending = session.digest.ending
        if ending is not None and ending.reason == "limit" and (limit is None or ending.at_ms >= limit.at_ms):
            limit = Limit(agent=session.agent, at_ms=ending.at_ms, resets=ending.resets)
    if limit is None:
        return None
    steps = (Step(turn, session) for session in known for turn in session.digest.turns)
    done_ms = (step.turn.last_ms for step in steps if step.turn.resumes or not is_idle(step))
    return limit if max(done_ms, default=0) <= limit.at_ms else None
