"""Folding events into the digest of their thread: one small pure function per kind of event."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from carryover.distill.clip import clip, clip_middle
from carryover.distill.decisions import rulings_in
from carryover.distill.digest import (
    Ask,
    Digest,
    Ending,
    Failure,
    OpenQuestion,
    Pending,
    Said,
    SeenRun,
    Touched,
    Turn,
)
from carryover.distill.failures import failed, is_edit_of, signature, takes_back, tried, user_said, why
from carryover.distill.files import file_name
from carryover.distill.own_text import is_handoff_text, names_handoff, without_protocol
from carryover.distill.progress import note_of
from carryover.distill.questions import doubts_in, questions_in
from carryover.distill.resets import resets_in
from carryover.distill.task import ask_of
from carryover.distill.templates import typed_in
from carryover.distill.testruns.reading import read_test_run
from carryover.distill.view import Note
from carryover.distill.words import first_sentence, is_coded, is_question, one_line, only_tells, plain
from carryover.model import (
    AgentSummary,
    Answer,
    AssistantMessage,
    BackgroundTask,
    Event,
    FileEdit,
    PlanProposal,
    PlanUpdate,
    Question,
    QueuedPrompt,
    ToolCall,
    ToolResult,
    TurnEnd,
    UserPrompt,
)

Folded = tuple[Digest, tuple[Note, ...]]
NO_NOTES: Final[tuple[Note, ...]] = ()
_MOST_TOUCHED: Final = 40
_MOST_RUNS: Final = 12
_MOST_FAILURES: Final = 16
_MOST_QUESTIONS: Final = 12
_MOST_PENDING: Final = 20
_DOUBT_LASTS_PROMPTS: Final = 4
_COMMITTED: Final = re.compile(r"^\[[^\]\n]{1,120} ([0-9a-f]{6,40})\] (.{1,200})$", re.M)


def fold(digest: Digest, event: Event) -> Folded:
    """The digest after `event`, and what of it the project keeps for good. Events that say nothing change nothing."""
    rule = _RULES.get(type(event.body))
    if rule is None:
        return digest, NO_NOTES
    after, notes = rule(digest, event, event.body)
    if after is not digest and event.at_ms > after.last_ms:
        after = replace(after, last_ms=event.at_ms)
    return after, notes


def _prompt(digest: Digest, event: Event, body: UserPrompt) -> Folded:
    if body.actor != "human" or is_handoff_text(body.text):
        return digest, NO_NOTES
    text = typed_in(body.text)
    ask = ask_of(text, body.command, event.at_ms, digest)
    notes = [Note(kind="ruling", text=said, at_ms=event.at_ms, weight=weight) for said, weight in rulings_in(text)]
    if ask.kind == "answer" and ask.answers and is_coded(text):
        picked = f'"{one_line(text)}" in answer to: {clip(ask.answers, chars=160)}'
        notes.append(Note(kind="ruling", text=picked, at_ms=event.at_ms, weight=1))
    closed = note_of(digest)
    if closed is not None:
        notes.append(closed)
    failures = digest.failures
    if digest.goal is not None and ask.kind in ("task", "follow_up") and takes_back(text):
        failures = _with_undone(failures, digest.goal.text, text, event.at_ms)
    is_goal = ask.kind == "task"
    after = replace(
        digest,
        prompts=digest.prompts + 1,
        goal=ask if is_goal else digest.goal,
        former_goal=digest.goal if is_goal else digest.former_goal,
        latest=None if is_goal else ask,
        turn=Turn(ask=ask, last_ms=event.at_ms),
        ending=None,
        cut_short=None if is_goal else _cut_short(digest),
        calls=(),
        proposal=None,
        queued=tuple(waiting for waiting in digest.queued if waiting.text != one_line(body.text)),
        questions=_questions_after_prompt(digest, text, event.at_ms, aside=_leaves_open(ask)),
        failures=failures,
    )
    return after, tuple(notes)


def _cut_short(digest: Digest) -> Ask | None:
    """What was stopped before this prompt, or earlier and is not finished yet."""
    turn = digest.turn
    stopped = turn is not None and not turn.done and digest.ending is not None and turn.ask.kind != "aside"
    return digest.cut_short or (turn.ask if turn is not None and stopped else None)


def _leaves_open(ask: Ask) -> bool:
    """Whether the prompt passes by what the assistant has asked, which so is still to be answered."""
    return ask.kind == "aside" or (ask.kind == "follow_up" and only_tells(ask.text))


def _questions_after_prompt(digest: Digest, text: str, at_ms: int, *, aside: bool) -> tuple[OpenQuestion, ...]:
    """What the assistant had asked was seen and answered or passed over; the user's own question now waits."""
    kept = [
        q
        for q in digest.questions
        if (q.origin == "loose_end" and q.prompt > digest.prompts - _DOUBT_LASTS_PROMPTS)
        or (aside and q.origin in ("assistant", "tool"))
    ]
    if is_question(text):
        kept.append(OpenQuestion(text=clip(one_line(text), chars=400), at_ms=at_ms, origin="user"))
    return tuple(kept[-_MOST_QUESTIONS:])


def _with_undone(failures: tuple[Failure, ...], goal: str, prompt: str, at_ms: int) -> tuple[Failure, ...]:
    undone = Failure(
        tried=clip(one_line(goal), chars=140),
        why=f"the user took it back: {clip(one_line(prompt), chars=120)}",
        at_ms=at_ms,
        signature=f"undone:{at_ms}",
        undone=True,
    )
    return (*failures, undone)[-_MOST_FAILURES:]


def _queued(digest: Digest, event: Event, body: QueuedPrompt) -> Folded:
    text = one_line(body.text)
    others = tuple(waiting for waiting in digest.queued if waiting.text != text)
    if body.change == "withdrawn":
        return replace(digest, queued=others), NO_NOTES
    waiting = Pending(id=event.key, text=text, at_ms=event.at_ms)
    return replace(digest, queued=(*others, waiting)[-_MOST_PENDING:]), NO_NOTES


def _message(digest: Digest, event: Event, body: AssistantMessage) -> Folded:
    text = without_protocol(body.text, fresh=digest.goal is None)
    if not text or is_handoff_text(text):
        return digest, NO_NOTES
    closing = body.final is not False and not body.aborted
    said = Said(text=clip_middle(text, chars=4000), at_ms=event.at_ms, closing=closing)
    turn = digest.turn
    if closing:
        digest = replace(digest, questions=_questions_after_answer(digest, text, event.at_ms))
        if turn is not None and turn.worked and turn.ask.kind != "aside":
            digest = replace(digest, cut_short=None)
        if turn is not None:
            outcome = clip(first_sentence(text), chars=240)
            turn = replace(turn, done=True, outcome=outcome, last_ms=event.at_ms)
    return replace(digest, said=said, turn=turn, ending=None if closing else digest.ending), NO_NOTES


def _questions_after_answer(digest: Digest, text: str, at_ms: int) -> tuple[OpenQuestion, ...]:
    by_the_way = digest.turn is not None and _leaves_open(digest.turn.ask)
    kept = [
        q for q in digest.questions if q.origin in ("tool", "loose_end") or (by_the_way and q.origin == "assistant")
    ]
    known = {q.text for q in kept}
    for doubt in doubts_in(text):
        if doubt not in known:
            kept.append(OpenQuestion(text=doubt, at_ms=at_ms, origin="loose_end", prompt=digest.prompts))
    for asked, options in questions_in(text):
        kept.append(OpenQuestion(text=asked, at_ms=at_ms, origin="assistant", options=options))
    return tuple(kept[-_MOST_QUESTIONS:])


def _call(digest: Digest, event: Event, body: ToolCall) -> Folded:
    if body.actor == "human" or names_handoff(body.subject):
        return digest, NO_NOTES
    subject = clip(one_line(body.subject) or body.name, chars=200)
    edits = body.op in ("edit", "write") and bool(body.subject)
    call = Pending(id=body.call_id, text=subject, at_ms=event.at_ms, edits=edits)
    said = replace(digest.said, closing=False) if digest.said is not None else None
    turn = replace(digest.turn, done=False, worked=True, last_ms=event.at_ms) if digest.turn is not None else None
    return replace(digest, calls=(*digest.calls, call)[-_MOST_PENDING:], said=said, turn=turn), NO_NOTES


def _result(digest: Digest, event: Event, body: ToolResult) -> Folded:
    if names_handoff(body.subject) or is_handoff_text(body.output):
        return digest, NO_NOTES
    digest = replace(digest, calls=tuple(call for call in digest.calls if call.id != body.call_id))
    notes: list[Note] = []
    if body.status == "denied":
        reason = user_said(body.output)
        if reason:
            notes.append(Note(kind="ruling", text=clip(reason, chars=240), at_ms=event.at_ms, weight=2))
    if body.op == "shell":
        digest, is_run = _shell(digest, event, body)
        if is_run:
            return digest, tuple(notes)
    return replace(digest, failures=_failures_after(digest.failures, body, event.at_ms)), tuple(notes)


def _shell(digest: Digest, event: Event, body: ToolResult) -> tuple[Digest, bool]:
    """Test runs and commits, out of a shell result; True where it was a test run."""
    run = read_test_run(body.subject, body.output, exit_code=body.exit_code, failed=body.status == "error")
    turn = digest.turn
    if run is not None and body.status in ("ok", "error"):
        seen = SeenRun(run=run, at_ms=event.at_ms, command=clip(one_line(body.subject), chars=160))
        if turn is not None and run.status != "unknown":
            turn = replace(turn, tests=run.status)
        return replace(digest, runs=(*digest.runs, seen)[-_MOST_RUNS:], turn=turn), True
    if turn is not None and "git commit" in body.subject and body.status == "ok":
        commits = tuple(f"{match[2]} ({match[1]})" for match in _COMMITTED.finditer(body.output))
        turn = replace(turn, commits=(*turn.commits, *commits)[-4:])
    return replace(digest, turn=turn), False


def _failures_after(failures: tuple[Failure, ...], body: ToolResult, at_ms: int) -> tuple[Failure, ...]:
    mark = signature(body)
    former = next((failure for failure in failures if failure.signature == mark), None)
    if failed(body):
        reason = why(body.output, of_edit=body.op == "edit")
        times = former.times + 1 if former else 1
        new = Failure(tried=tried(body), why=reason, at_ms=at_ms, signature=mark, times=times)
        return (*(f for f in failures if f.signature != mark), new)[-_MOST_FAILURES:]
    # Of an edit its file says more: see _after_edit.
    if former is not None and body.status == "ok" and body.op != "edit":
        return tuple(replace(f, mended=True) if f.signature == mark else f for f in failures)
    return failures


def _after_edit(failures: tuple[Failure, ...], body: FileEdit) -> tuple[Failure, ...]:
    """Edits of this file that failed worked in the end. Where it was deleted, to be written anew perhaps, they never
    will: that is another way, taken because the first one failed."""
    name = file_name(body.path)
    after = []
    for failure in failures:
        if not failure.mended and is_edit_of(failure.signature, body.path):
            others = (f for f in failures if f.at_ms > failure.at_ms and f is not failure and name in f.tried)
            detours = sum(other.times for other in others)
            given_up = {"signature": f"given up:{failure.at_ms}"} if body.change == "delete" else {"mended": True}
            failure = replace(failure, detours=detours, **given_up)
        after.append(failure)
    return tuple(after)


def _edit(digest: Digest, event: Event, body: FileEdit) -> Folded:
    if names_handoff(body.path):
        return digest, NO_NOTES
    former = next((file for file in digest.touched if file.path == body.path), None)
    file = Touched(
        path=body.path,
        change="add" if former is not None and former.change == "add" and body.change == "modify" else body.change,
        at_ms=event.at_ms,
        edits=former.edits + 1 if former else 1,
        line=body.line,
        anchor=clip(body.anchor, chars=120) if body.anchor else None,
    )
    gone = {body.path, body.old_path}
    touched = (*(other for other in digest.touched if other.path not in gone), file)[-_MOST_TOUCHED:]
    turn = digest.turn
    if turn is not None and body.path not in turn.edited:
        turn = replace(turn, edited=(*turn.edited, body.path)[-12:])
    failures = _after_edit(digest.failures, body)
    return replace(digest, touched=touched, turn=turn, failures=failures), NO_NOTES


def _plan(digest: Digest, event: Event, body: PlanUpdate) -> Folded:
    items = tuple(replace(item, text=clip(one_line(item.text), chars=160)) for item in body.items[:40])
    return replace(digest, plan=items, plan_ms=event.at_ms), NO_NOTES


def _proposal(digest: Digest, event: Event, body: PlanProposal) -> Folded:
    heading = clip(plain(next((line for line in body.text.splitlines() if line.strip()), "a plan")), chars=160)
    if body.accepted is None:
        return replace(digest, proposal=heading), NO_NOTES
    if body.accepted:
        note = Note(kind="progress", text=f"plan accepted: {heading}", at_ms=event.at_ms)
        return replace(digest, proposal=None), (note,)
    return replace(digest, proposal=None), NO_NOTES


def _question(digest: Digest, event: Event, body: Question) -> Folded:
    asked = OpenQuestion(
        text=clip(one_line(body.text), chars=280),
        at_ms=event.at_ms,
        origin="tool",
        options=tuple(clip(one_line(option), chars=60) for option in body.options[:6]),
        call_id=body.call_id,
    )
    return replace(digest, questions=(*digest.questions, asked)[-_MOST_QUESTIONS:]), NO_NOTES


def _answer(digest: Digest, event: Event, body: Answer) -> Folded:
    kept = tuple(q for q in digest.questions if q.call_id != body.call_id)
    ruling = f"{clip(one_line(body.question), chars=150)} → {clip(one_line(body.text), chars=120)}"
    return replace(digest, questions=kept), (Note(kind="ruling", text=ruling, at_ms=event.at_ms, weight=2),)


def _job(digest: Digest, event: Event, body: BackgroundTask) -> Folded:
    known = next((job for job in digest.jobs if job.id == body.task_id), None)
    others = tuple(job for job in digest.jobs if job.id != body.task_id)
    label = one_line(body.label) or (known.text if known else "background job")
    if body.state == "running":
        job = Pending(id=body.task_id, text=clip(label, chars=120), at_ms=event.at_ms)
        return replace(digest, jobs=(*others, job)[-_MOST_PENDING:]), NO_NOTES
    failures = digest.failures
    if body.state == "failed":
        mark = f"job:{label}"
        new = Failure(tried=clip(label, chars=120), why="the background job failed", at_ms=event.at_ms, signature=mark)
        failures = (*(f for f in failures if f.signature != mark), new)[-_MOST_FAILURES:]
    return replace(digest, jobs=others, failures=failures), NO_NOTES


def _summary(digest: Digest, event: Event, body: AgentSummary) -> Folded:
    if body.source != "away":
        return digest, NO_NOTES
    return replace(digest, away_summary=Said(text=clip(one_line(body.text), chars=400), at_ms=event.at_ms)), NO_NOTES


def _ending(digest: Digest, event: Event, body: TurnEnd) -> Folded:
    turn = replace(digest.turn, done=False, last_ms=event.at_ms) if digest.turn is not None else None
    ending = Ending(
        reason=body.reason,
        message=clip(one_line(body.message), chars=200),
        at_ms=event.at_ms,
        resets=resets_in(body.message, event.at_ms) if body.reason == "limit" else None,
    )
    return replace(digest, ending=ending, turn=turn), NO_NOTES


_RULES: Final[dict[type, Callable[[Digest, Event, Any], Folded]]] = {
    UserPrompt: _prompt,
    QueuedPrompt: _queued,
    AssistantMessage: _message,
    ToolCall: _call,
    ToolResult: _result,
    FileEdit: _edit,
    PlanUpdate: _plan,
    PlanProposal: _proposal,
    Question: _question,
    Answer: _answer,
    BackgroundTask: _job,
    AgentSummary: _summary,
    TurnEnd: _ending,
}
