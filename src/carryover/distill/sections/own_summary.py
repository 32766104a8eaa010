"""Texts that the agent wrote for itself: compaction summaries, recaps for a user who was away, accepted plans."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from carryover.distill.digest import Summary
from carryover.distill.entry import Entry
from carryover.distill.sections.quoting import parted
from carryover.distill.trail import Past, Step
from carryover.distill.view import SessionView
from carryover.distill.weights import WEIGHTS

_WANTED: Final = ("errors", "pending", "current", "next", "request", "other")
"""Kinds of sections, in the order of their worth to a reader."""
_MOST_PARTS: Final = 10


def summary_entries(past: Past) -> list[Entry]:
    """Returns the newest compaction summary and recap of each session, the leading session's first."""
    sessions = sorted(past.view.sessions, key=lambda one: (one is not past.lead, -one.newest_ms, one.session))
    entries: list[Entry] = []
    for at, session in enumerate(sessions[:3]):
        for summary, what in ((session.digest.recap, "recap"), (session.digest.summary, "compaction summary")):
            if summary is not None:
                entries += _summary(past, session, summary, what, penalty=1.5 * at)
        entries += _accepted_plan(past, session)
    return entries


def _age(past: Past, session: SessionView, turn: int) -> tuple[str, float]:
    since = max(0, session.digest.prompts - turn)
    said = f"{since} prompt{'s' if since > 1 else ''} since" if since else "no prompt since"
    return f"{past.turn(turn, session)}, {said}", WEIGHTS["summary age"].back * since


def _summary(past: Past, session: SessionView, summary: Summary, what: str, penalty: float) -> list[Entry]:
    age, old = _age(past, session, summary.turn)
    step = Step(session.digest.turns[-1], session) if session.digest.turns else past.main
    parts = sorted((part for part in summary.parts if part.text.strip()), key=lambda part: _WANTED.index(part.kind))
    if not parts:
        texts = [(f"{past.agent(step)}'s {what} ({age})", summary.text)]
    else:
        texts = [(f"{past.agent(step)}'s {what}, “{part.heading}” ({age})", part.text) for part in parts]
    entries: list[Entry] = []
    for at, (label, text) in enumerate(texts):
        entries += [
            replace(entry, weight=entry.weight + old + penalty + 0.5 * at, turn=summary.turn)
            for entry in parted(
                step, text, "summary", WEIGHTS["summary"], label=label, most=_MOST_PARTS, at_ms=summary.at_ms
            )
        ]
    return entries


def _accepted_plan(past: Past, session: SessionView) -> list[Entry]:
    """Returns a written plan that the user accepted, which the work follows from then on."""
    plan = session.digest.proposal
    if plan is None or not plan.accepted or not plan.text:
        return []
    age, old = _age(past, session, plan.turn)
    step = Step(session.digest.turns[-1], session)
    label = f"{past.agent(step)}'s plan, accepted by the user ({age})"
    return [
        replace(entry, weight=entry.weight + old - 0.6, turn=plan.turn)
        for entry in parted(step, plan.text, "plan", WEIGHTS["summary"], label=label, most=12, at_ms=plan.at_ms)
    ]
