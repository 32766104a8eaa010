"""Puts an accepted plan into the prompt by which it is to be carried out, where that only names a file that has it."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from carryover.distill.view import ProjectView, SessionView

_SOON_MS: Final = 3_600_000


def with_plans(view: ProjectView) -> ProjectView:
    """Returns the view with the plan below each such prompt (Codex 0.171, in a new thread): the agent's newest that
    waits and that another session had made within an hour before. One of a single line is but the name of its file
    (Kilo)."""
    return replace(view, sessions=tuple(_with_plan(session, view) for session in view.sessions))


def _with_plan(session: SessionView, view: ProjectView) -> SessionView:
    turns = session.digest.turns
    first = next((turn for turn in turns if turn.prompt), None)
    if first is None or not first.accepts_plan or "\n" in first.prompt:
        return session
    others = (one.digest.proposal for one in view.sessions if one is not session and one.agent == session.agent)
    waiting = [plan for plan in others if plan is not None and plan.accepted is None and "\n" in plan.text]
    made = [plan for plan in waiting if 0 <= first.at_ms - plan.at_ms <= _SOON_MS]
    if not made:
        return session
    plan = max(made, key=lambda one: one.at_ms)
    asked = replace(first, prompt=f"{first.prompt}\n\n{plan.text}")
    turns = tuple(asked if one is first else one for one in turns)
    return replace(session, digest=replace(session.digest, turns=turns))
