"""Open todo items, a question that the user has just replied to, and when a usage limit resets."""

from __future__ import annotations

from carryover.distill.entry import Entry
from carryover.distill.relative_time import earlier
from carryover.distill.sections.last_words import last_words
from carryover.distill.sections.quoting import from_turn, parted
from carryover.distill.trail import Past, Step
from carryover.distill.weights import WEIGHTS


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
