"""Open todo items, a question that the user has just replied to, and when a usage limit resets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from carryover.distill.digest import Digest
from carryover.distill.entry import WEIGHTS, Entry
from carryover.distill.relative_time import earlier
from carryover.distill.sections.quoting import from_turn, last_words, parted
from carryover.distill.trail import Past, Step
from carryover.distill.view import ProjectView, SessionView

LASTS_MS: Final = 5 * 3_600_000
"""The shortest period of plans' limits (Claude Code and Codex: five hours). An older limit is no longer news."""


def next_entries(past: Past, limit: str | None) -> list[Entry]:
    """Returns planned next steps, and the question that the user replied to last."""
    weight = WEIGHTS["limit"].first
    limits = [from_turn(past.main, limit, "limit", weight, at_ms=past.at_ms)] if limit is not None else []
    return [*_plan(past), *_replied(past), *limits]


def _plan(past: Past) -> list[Entry]:
    """Returns the open items of the newest todo list: the active one first, with the progress."""
    lists = [session for session in past.view.sessions if session.digest.plan]
    session = past.lead if past.lead.digest.plan else max(lists, key=lambda one: one.digest.plan_ms, default=None)
    if session is None:
        return []
    digest = session.digest
    opened = [item for item in digest.plan if item.state != "done"]
    weight = WEIGHTS["plan"]
    step = Step(digest.turns[-1], session)
    done = f"{len(digest.plan) - len(opened)} of {len(digest.plan)} done"
    stale = digest.prompts - digest.plan_turn
    age = ", ".join(
        part for part in (earlier(digest.plan_ms, past.at_ms), f"{stale} prompts since" if stale > 1 else "") if part
    )
    label = f"{past.agent(step)}'s todo list ({done}{f', {age}' if age else ''})"
    return [
        Entry(
            text=f"{'in progress: ' if item.state == 'active' else 'open: '}{item.text}",
            kind="todo list",
            weight=weight.first + weight.part + weight.back * at + 0.3 * stale,
            label=label,
            part=at,
            parts=min(len(opened), weight.most),
            session=session.session,
            agent=session.agent,
            turn=digest.plan_turn,
            at_ms=digest.plan_ms,
        )
        for at, item in enumerate(opened[: weight.most])
    ]


def _replied(past: Past) -> list[Entry]:
    """Returns the question at the end of the last words, if the user has replied and no work has followed yet."""
    asked = last_words(past.main.turn).question if not past.main.is_newest else ""
    label = f"{past.agent(past.main)} had asked, and turn {past.main.turn.number + 1} replied"
    at_ms = past.main.turn.said[-1].at_ms if asked else 0
    return parted(past.main, asked, "message", WEIGHTS["replied"], label=label, at_ms=at_ms)


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """An agent stopped at its usage limit, and no session has continued since."""

    agent: str
    """The agent's id."""
    at_ms: int
    resets: str | None = None
    """When the agent can continue, if its message says so."""
    others: tuple[str, ...] = ()
    """Ids of the agents that can be started instead."""


def standing_limit(view: ProjectView, startable: Sequence[str] = ()) -> Limit | None:
    """Returns the limit that stopped the project's newest work; None once any session has continued. It offers those of
    the `startable` agents (ids) that did not reach their own limit shortly before."""
    limit = _newest_limit(view.sessions)
    if limit is None:
        return None
    others = tuple(agent for agent in startable if not _was_limited(view, agent, since_ms=limit.at_ms - LASTS_MS))
    return msgspec.structs.replace(limit, others=tuple(agent for agent in others if agent != limit.agent))


def limit_line(limit: Limit, name: str) -> str | None:
    """Returns the limit as a line of the handoff; None if it would only repeat that the work was stopped. `name` is the
    agent's display name."""
    resets = f"it resets {limit.resets}" if limit.resets else ""
    elsewhere = f"for the user: {_commands(limit)} continues elsewhere" if limit.others else ""
    if not resets and not elsewhere:
        return None
    return "; ".join(part for part in (f"{name} reached its usage limit", resets, elsewhere) if part)


def _commands(limit: Limit) -> str:
    first, *more = limit.others
    return f"`{command(first)}`" + (f" (or {', '.join(more)})" if more else "")


def command(agent: str) -> str:
    """Returns the command that a person types in the project to continue in `agent`."""
    return f"carryover to {agent}"


def _newest_limit(sessions: Iterable[SessionView]) -> Limit | None:
    """Returns the limit that stopped the newest work of these sessions; None if none did."""
    last_ms, limit = 0, None
    for session in sorted(sessions, key=lambda session: session.session):
        digest = session.digest
        last_ms = max(last_ms, _last_work_ms(digest))
        ending = digest.ending
        if ending is not None and ending.reason == "limit" and (limit is None or ending.at_ms >= limit.at_ms):
            limit = Limit(agent=session.agent, at_ms=ending.at_ms, resets=ending.resets)
    return limit if limit is not None and last_ms <= limit.at_ms else None


def _was_limited(view: ProjectView, agent: str, *, since_ms: int) -> bool:
    own = _newest_limit(session for session in view.sessions if session.agent == agent)
    return own is not None and own.at_ms >= since_ms


def _last_work_ms(digest: Digest) -> int:
    """Returns when the session was last asked something, did something or said something."""
    return digest.turn.last_ms if digest.turn is not None else 0
