"""Work in parallel to the leading session: other sessions, and other checkouts with their own handoff."""

from __future__ import annotations

from carryover.distill.entry import Entry
from carryover.distill.pastes import quoted_prompt
from carryover.distill.quotes import excerpt, lines_of
from carryover.distill.relative_time import earlier
from carryover.distill.sections.last_words import last_words
from carryover.distill.sections.open_questions import asks
from carryover.distill.sections.quoting import from_turn
from carryover.distill.trail import Past, Step, parallel_sessions
from carryover.distill.view import SessionView
from carryover.distill.weights import WEIGHTS

_PROMPT_CHARS = 160
_LINE_CHARS = 110


def parallel_entries(past: Past) -> list[Entry]:
    """Returns each parallel session with its newest prompt and last line, then the worktrees."""
    weight = WEIGHTS["parallel"]
    sessions = parallel_sessions(past.view, past.lead)[: weight.most]
    beside = [_session(past, one, weight.first + weight.back * back) for back, one in enumerate(sessions)]
    weight = WEIGHTS["worktree"]
    trees = [
        Entry(
            text=quoted_prompt(tree.task, _PROMPT_CHARS),
            label=f"Worktree {tree.root}, with its own handoff ({earlier(tree.last_event_ms, past.at_ms) or 'now'})",
            kind="worktree",
            weight=weight.first + weight.back * back,
            at_ms=tree.last_event_ms,
        )
        for back, tree in enumerate(past.view.worktrees[: weight.most])
    ]
    return [*beside, *trees]


def _session(past: Past, session: SessionView, weight: float) -> Entry:
    turns = session.digest.turns
    turn = next((turn for turn in reversed(turns) if turn.prompt), turns[-1])
    step = Step(turn, session)
    newest = Step(turns[-1], session)
    said = lines_of(last_words(newest.turn).body if asks(past, newest) else newest.turn.answer)
    last = f" → {excerpt(said[-1], _LINE_CHARS)}" if said else ""
    label = f"{past.agent(step)} ({past.place(step, session.newest_ms)})"
    text = f"{quoted_prompt(turn.prompt, _PROMPT_CHARS, chars=turn.chars)}{last}"
    return from_turn(step, text, "prompt", weight, label=label, at_ms=session.newest_ms)
