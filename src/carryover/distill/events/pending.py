"""Folds whatever waits: todo lists, written plans, tools' questions, queued prompts, and background jobs."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from carryover.distill.clip import clip, clip_middle
from carryover.distill.digest import (
    MOST_CALLS,
    MOST_FAILURES,
    MOST_PENDING,
    Call,
    Digest,
    Failure,
    OpenQuestion,
    Pending,
    Proposal,
)
from carryover.distill.events.turns import at_work
from carryover.model import BackgroundTask, Event, PlanProposal, PlanUpdate, Question, QueuedPrompt
from carryover.text.lines import one_line

_MOST_ITEMS: Final = 40
_MOST_OPTIONS: Final = 6
_MOST_QUESTIONS: Final = 12
_LONGEST_PLAN: Final = 4000
_LONGEST_REPORT: Final = 3000


def plan(digest: Digest, event: Event, body: PlanUpdate) -> Digest:
    """Sets the current todo list."""
    items = tuple(replace(item, text=clip(one_line(item.text), chars=200)) for item in body.items[:_MOST_ITEMS])
    return replace(at_work(digest, event), plan=items, plan_ms=event.at_ms, plan_turn=digest.prompts)


def proposal(digest: Digest, event: Event, body: PlanProposal) -> Digest:
    """Sets the newest written plan, with the user's decision."""
    text = clip_middle(body.text.strip(), chars=_LONGEST_PLAN)
    if not text and digest.proposal is not None:
        text = digest.proposal.text
    made = Proposal(text=text, at_ms=event.at_ms, turn=digest.prompts, accepted=body.accepted)
    return replace(at_work(digest, event), proposal=made)


def question(digest: Digest, event: Event, body: Question) -> Digest:
    """Opens a question until its answer or the user's next prompt comes."""
    asked = OpenQuestion(
        text=clip(one_line(body.text), chars=400),
        at_ms=event.at_ms,
        options=tuple(clip(one_line(option), chars=120) for option in body.options[:_MOST_OPTIONS]),
        call_id=body.call_id,
        turn=digest.prompts,
    )
    return replace(at_work(digest, event), questions=(*digest.questions, asked)[-_MOST_QUESTIONS:])


def queued(digest: Digest, event: Event, body: QueuedPrompt) -> Digest:
    """Adds a prompt that waits until the agent is free, or removes one that was withdrawn."""
    text = one_line(body.text)
    others = tuple(waiting for waiting in digest.queued if waiting.text != text)
    if body.change == "withdrawn":
        return replace(digest, queued=others)
    waiting = Pending(id=event.key, text=clip(text, chars=600), at_ms=event.at_ms, turn=digest.prompts)
    return replace(digest, queued=(*others, waiting)[-MOST_PENDING:])


def job(digest: Digest, event: Event, body: BackgroundTask) -> Digest:
    """Tracks a job by its label from start to end. A job that fails counts like any failed call."""
    known = next((job for job in digest.jobs if job.id == body.task_id), None)
    others = tuple(job for job in digest.jobs if job.id != body.task_id)
    label = clip(one_line(body.label) or (known.text if known else "background job"), chars=200)
    if body.state == "running":
        running = Pending(id=body.task_id, text=label, at_ms=event.at_ms, turn=digest.prompts)
        return replace(at_work(digest, event), jobs=(*others, running)[-MOST_PENDING:])
    digest = replace(digest, jobs=others)
    signature = f"job:{body.task_id}"
    if body.state == "failed" and not any(failure.signature == signature for failure in digest.failures):
        cause = clip(one_line(body.report), chars=200)
        failure = Failure(tried=label, why=cause, at_ms=event.at_ms, signature=signature, turn=digest.prompts)
        digest = replace(digest, failures=(*digest.failures, failure)[-MOST_FAILURES:])
    return _with_report(digest, event, body, label) if body.report else digest


def _with_report(digest: Digest, event: Event, body: BackgroundTask, label: str) -> Digest:
    """Treats a job's report like the output of a call."""
    made = Call(
        name="background",
        op="agent",
        subject=label,
        status="ok" if body.state == "done" else "error",
        output=clip_middle(body.report.strip(), chars=_LONGEST_REPORT),
        at_ms=event.at_ms,
        turn=digest.prompts,
    )
    return replace(digest, calls=(*digest.calls, made)[-MOST_CALLS:])
