"""The task: the goal, then the step that is current."""

from __future__ import annotations

from typing import Final

from carryover.distill.clip import clip
from carryover.distill.language.prose import flat
from carryover.distill.language.templates import is_bare
from carryover.distill.sections.entry import Entry, entry_of
from carryover.distill.work.state import AGREED, ANSWERED, PLAN_ACCEPTED, Line

_CHARS: Final = 260
_STEP_CHARS: Final = 220
_FORMER_CHARS: Final = 160


def task_entries(line: Line) -> list[Entry]:
    """The goal, then the newest order, correction or consent; while it is in doubt whether that goal is a separate one,
    the one before it comes last."""
    entries = []
    if line.goal is not None:
        entries.append(entry_of(line.goal, clip(flat(line.goal.text), chars=_CHARS)))
    if line.step is not None and not (_is_the_goal_again(line) or _is_only_a_template(line)):
        entries.append(entry_of(line.step, _step_text(line)))
    if line.former_goal is not None:
        entries.append(
            entry_of(line.former_goal, f"Before that: {clip(flat(line.former_goal.text), chars=_FORMER_CHARS)}")
        )
    return entries


def _is_the_goal_again(line: Line) -> bool:
    """The same prompt was sent once more, as it is after an interruption."""
    if line.goal is None or line.step is None:
        return False
    goal, step = flat(line.goal.text), flat(line.step.text)
    return goal[:_STEP_CHARS] == step[:_STEP_CHARS]


def _is_only_a_template(line: Line) -> bool:
    """A command to which nothing was typed, and which has been carried out: what came of it says more."""
    return line.step is not None and not line.step_waits and line.goal is not None and is_bare(line.step.text)


def _step_text(line: Line) -> str:
    assert line.step is not None
    text = clip(flat(line.step.text), chars=_STEP_CHARS)
    if line.step.rule == ANSWERED:
        return text
    if line.step.rule in (AGREED, PLAN_ACCEPTED):
        return f"Agreed to: {text}"
    if line.goal is None:
        return text
    return f"Now: {text}" if line.step_waits else f"Then: {text}"
