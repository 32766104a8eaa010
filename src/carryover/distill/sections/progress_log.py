"""The trail: what the agents answered in the turns before, newest first, and what was committed."""

from __future__ import annotations

from typing import Final

from carryover.distill.entry import Entry
from carryover.distill.quotes import excerpt
from carryover.distill.sections.last_words import last_words
from carryover.distill.sections.open_questions import asks
from carryover.distill.sections.quoting import from_turn, packed, parted
from carryover.distill.trail import Past, Step, beside, is_talk, without
from carryover.distill.weights import WEIGHTS

_ONE_LINE_CHARS: Final = 200
_PARTS: Final = (12, 9, 6, 4, 3, 2, 2)
"""How many parts of the answer there may be, by steps back; then one."""


def progress_entries(past: Past) -> list[Entry]:
    """The newest first."""
    entries: list[Entry] = []
    back = 0
    for step in without(past.before, beside(past)):
        if step.turn.said:
            entries += answer_entries(past, step, back)
            back += 1
    return [*_commits(past), *entries]


def answer_entries(past: Past, step: Step, back: int) -> list[Entry]:
    """What the agent answered, but for a question that is open; `back` steps back in time."""
    if not step.turn.said:
        return []
    most = 1 if is_talk(step.turn) else _PARTS[back] if back < len(_PARTS) else 1
    said = "answered" if step.turn.end == "answered" else "said, then was cut off"
    at_ms = step.turn.said[-1].at_ms
    label = f"{past.agent(step)} {said} ({past.place(step, at_ms)})"
    answer = step.turn.answer if not asks(past, step) else last_words(step.turn).body
    answer = answer if most > 1 else excerpt(answer, _ONE_LINE_CHARS)
    return parted(step, answer, "message", "trail", label=label, most=most, back=back, at_ms=at_ms)


def _commits(past: Past) -> list[Entry]:
    """What git said it committed, newest first."""
    weight = WEIGHTS["commits"]
    made = [(step, commit) for step in reversed(past.steps) for commit in reversed(step.turn.commits)]
    return packed(
        from_turn(
            step,
            commit,
            "call",
            weight.first + weight.back * back,
            label=f"Committed ({past.place(step)})",
            at_ms=step.turn.last_ms,
        )
        for back, (step, commit) in enumerate(made[: weight.most])
    )
