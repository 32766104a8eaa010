"""Work beside that which leads: sessions at the same time, and other checkouts with their own handoff."""

from __future__ import annotations

from carryover.distill.entry import Entry
from carryover.distill.pastes import quoted_prompt
from carryover.distill.relative_time import earlier
from carryover.distill.sections.progress_log import answer_entries
from carryover.distill.sections.quoting import from_turn
from carryover.distill.trail import Past, Step, beside
from carryover.distill.weights import WEIGHTS

_PROMPT_CHARS = 160


def parallel_entries(past: Past) -> list[Entry]:
    """Each session at the same time with its newest prompt and what was said to it; then worktrees."""
    sessions = [entry for back, step in enumerate(beside(past)) for entry in _session(past, step, back)]
    weight = WEIGHTS["worktree"]
    trees = [
        Entry(
            text=f"Worktree {tree.root} has its own handoff ({earlier(tree.last_event_ms, past.at_ms) or 'now'})",
            kind="worktree",
            weight=weight.first + weight.back * back,
            at_ms=tree.last_event_ms,
        )
        for back, tree in enumerate(past.view.worktrees[: weight.most])
    ]
    return [*sessions, *trees]


def _session(past: Past, step: Step, back: int) -> list[Entry]:
    weight = WEIGHTS["parallel"]
    label = f"{past.agent(step)} ({past.place(step, step.view.newest_ms)})"
    text = quoted_prompt(step.turn.prompt, _PROMPT_CHARS, chars=step.turn.chars)
    at_ms = step.view.newest_ms
    prompt = from_turn(step, text, "prompt", weight.first + weight.back * back, label=label, at_ms=at_ms)
    return [prompt, *answer_entries(past, step, back)]
