"""The trail: the agents' answers in earlier turns, newest first, and what was committed."""

from __future__ import annotations

from typing import Final

from carryover.distill.entry import Entry
from carryover.distill.quotes import excerpt
from carryover.distill.sections.last_words import last_words
from carryover.distill.sections.open_questions import asks
from carryover.distill.sections.quoting import from_turn, packed, parted
from carryover.distill.trail import Past, is_talk
from carryover.distill.weights import WEIGHTS

_ONE_LINE_CHARS: Final = 200
_PARTS: Final = (12, 9, 6, 4, 3, 2, 2)
"""Most parts of an answer, by steps back in time; later ones get one."""


def progress_entries(past: Past) -> list[Entry]:
    """Returns the trail, newest first."""
    entries: list[Entry] = []
    back = 0
    for step in past.before:
        if not step.turn.said or (past.is_beside(step) and step.is_newest):
            continue
        most = 1 if is_talk(step.turn) else _PARTS[back] if back < len(_PARTS) else 1
        said = "answered" if step.turn.end == "answered" else "said, then was cut off"
        label = f"{past.agent(step)} {said} ({past.place(step, step.turn.said[-1].at_ms)})"
        answer = last_words(step.turn).body if asks(past, step) else step.turn.answer
        answer = answer if most > 1 else excerpt(answer, _ONE_LINE_CHARS)
        at_ms = step.turn.said[-1].at_ms
        entries += parted(step, answer, "message", WEIGHTS["trail"].at(back), label=label, most=most, at_ms=at_ms)
        back += 1
    return [*_commits(past), *entries]


def _commits(past: Past) -> list[Entry]:
    """Returns the commits that git reported, newest first."""
    weight = WEIGHTS["commits"]
    made = [(step, commit) for step in reversed(past.steps) for commit in reversed(step.turn.commits)]
    return packed(
        from_turn(step, commit, "call", weight.first + weight.back * back, label=f"Committed ({past.place(step)})")
        for back, (step, commit) in enumerate(made[: weight.most])
    )
