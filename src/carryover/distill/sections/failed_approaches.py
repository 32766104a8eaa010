"""Calls that failed, with what they said, and whether they succeeded later; turns that the user interrupted."""

from __future__ import annotations

from carryover.distill.digest import Failure
from carryover.distill.entry import Entry
from carryover.distill.pastes import quoted_prompt
from carryover.distill.relative_time import earlier
from carryover.distill.sections.quoting import from_turn
from carryover.distill.sections.task import task_steps
from carryover.distill.trail import Past
from carryover.distill.view import SessionView
from carryover.distill.weights import WEIGHTS


def failed_entries(past: Past) -> list[Entry]:
    """Newest first: what did not succeed later, then what did."""
    open_ones = _failures(past, "failed", solved=False)
    return [*open_ones, *_interrupted(past, WEIGHTS["failed"].first + 1.0), *_failures(past, "solved", solved=True)]


def _failures(past: Past, source: str, *, solved: bool) -> list[Entry]:
    weight = WEIGHTS[source]
    found = [
        (failure, session)
        for session in past.view.sessions
        for digest in session.digests
        for failure in digest.failures
        if (failure.solved or failure.passed_by) == solved
    ]
    found.sort(key=lambda one: (one[0].at_ms, one[0].signature))
    unique = {failure.why or failure.tried: (failure, session) for failure, session in found}
    newest = list(reversed(unique.values()))[: weight.most]
    return [_failure(past, *one, weight.first + weight.back * back) for back, one in enumerate(newest)]


def _failure(past: Past, failure: Failure, session: SessionView, weight: float) -> Entry:
    ago = earlier(failure.at_ms, past.at_ms)
    times = f"{failure.times} times" if failure.times > 1 else ""
    since = "solved since" if failure.solved else f"a later {failure.program} worked" if failure.passed_by else ""
    where = ", ".join(part for part in (times, ago, since) if part)
    return Entry(
        text=f"{failure.tried}{f' ({where})' if where else ''} → {failure.why or 'failed without a word'}",
        kind="job" if failure.signature.startswith("job:") else "call",
        weight=weight,
        session=session.session,
        agent=session.agent,
        turn=failure.turn,
        at_ms=failure.at_ms,
    )


def _interrupted(past: Past, weight: float) -> list[Entry]:
    """Earlier turns that the user interrupted: what they were to do."""
    shown = [step.turn for step in task_steps(past).values()]
    steps = [
        step
        for step in past.before
        if step.turn.end == "interrupted" and step.turn.prompt and not any(step.turn is turn for turn in shown)
    ][:2]
    return [
        from_turn(
            step,
            quoted_prompt(step.turn.prompt, 120, chars=step.turn.chars),
            "ending",
            weight + 0.5 * back,
            label=f"Interrupted by the user ({past.place(step)})",
            at_ms=step.turn.last_ms,
        )
        for back, step in enumerate(steps)
    ]
