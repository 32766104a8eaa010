"""What agents said before and beside this: earlier answers and commits, parallel sessions, their own summaries."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from carryover.distill.digest import Summary
from carryover.distill.entry import WEIGHTS, Entry
from carryover.distill.pastes import quoted_prompt
from carryover.distill.quotes import excerpt, lines_of
from carryover.distill.relative_time import earlier
from carryover.distill.sections.open_questions import asks
from carryover.distill.sections.quoting import from_turn, last_words, packed, parted
from carryover.distill.trail import Past, Step, is_talk, parallel_sessions
from carryover.distill.view import SessionView

_PROMPT_CHARS = 160
_LINE_CHARS = 110
_WANTED: Final = ("errors", "pending", "current", "next", "request", "other")
"""Kinds of sections, in the order of their worth to a reader."""
_MOST_PARTS: Final = 10
_ONE_LINE_CHARS: Final = 200
_PARTS: Final = (12, 9, 6, 4, 3, 2, 2)
"""Most parts of an answer, by steps back in time; later ones get one."""


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
