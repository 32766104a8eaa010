"""What the user typed: it begins a turn, may set a task, rules, answers, asks, or takes work back."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from carryover.distill.clip import clip
from carryover.distill.decisions import rulings_in
from carryover.distill.digest import (
    MOST_FAILURES,
    MOST_PENDING,
    MOST_QUESTIONS,
    Ask,
    Digest,
    Failure,
    OpenQuestion,
    Pending,
    Turn,
)
from carryover.distill.events.folded import Folded
from carryover.distill.failures import takes_back
from carryover.distill.own_text import is_handoff_text
from carryover.distill.progress import note_of
from carryover.distill.prose import one_line
from carryover.distill.task import ask_of, passes_by_questions
from carryover.distill.templates import typed_in
from carryover.distill.view import Note
from carryover.distill.words import is_coded, is_question
from carryover.model import Event, QueuedPrompt, UserPrompt

_DOUBT_LASTS_PROMPTS: Final = 4


def prompt(digest: Digest, event: Event, body: UserPrompt) -> Folded:
    """A turn of its own begins, and the one before it becomes a line of progress."""
    if body.actor != "human" or is_handoff_text(body.text):
        return digest, ()
    text = typed_in(body.text)
    ask = ask_of(text, body.command, event.at_ms, digest)
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
        questions=_questions_after(digest, text, ask),
        failures=_failures_after(digest, text, ask),
    )
    return after, _notes(digest, text, ask)


def queued(digest: Digest, event: Event, body: QueuedPrompt) -> Folded:
    """Words that wait until the agent is free, or that were withdrawn before."""
    text = one_line(body.text)
    others = tuple(waiting for waiting in digest.queued if waiting.text != text)
    if body.change == "withdrawn":
        return replace(digest, queued=others), ()
    waiting = Pending(id=event.key, text=text, at_ms=event.at_ms)
    return replace(digest, queued=(*others, waiting)[-MOST_PENDING:]), ()


def _notes(digest: Digest, text: str, ask: Ask) -> tuple[Note, ...]:
    """The rulings of the prompt, the choice it made by a letter or number, and the turn that it closed."""
    notes = [Note(kind="ruling", text=said, at_ms=ask.at_ms, weight=weight) for said, weight in rulings_in(text)]
    if ask.kind == "answer" and ask.answers and is_coded(text):
        picked = f'"{one_line(text)}" in answer to: {clip(ask.answers, chars=160)}'
        notes.append(Note(kind="ruling", text=picked, at_ms=ask.at_ms, weight=1))
    closed = note_of(digest)
    return (*notes, closed) if closed is not None else tuple(notes)


def _cut_short(digest: Digest) -> Ask | None:
    """What was stopped before this prompt, or earlier and is not finished yet."""
    turn = digest.turn
    stopped = turn is not None and not turn.done and digest.ending is not None and turn.ask.kind != "aside"
    return digest.cut_short or (turn.ask if turn is not None and stopped else None)


def _questions_after(digest: Digest, text: str, ask: Ask) -> tuple[OpenQuestion, ...]:
    """What the assistant had asked was seen and answered or passed over; the user's own question now waits."""
    passed_by = passes_by_questions(ask)
    kept = [
        q
        for q in digest.questions
        if (q.origin == "loose_end" and q.prompt > digest.prompts - _DOUBT_LASTS_PROMPTS)
        or (passed_by and q.origin in ("assistant", "tool"))
    ]
    if is_question(text):
        kept.append(OpenQuestion(text=clip(one_line(text), chars=400), at_ms=ask.at_ms, origin="user"))
    return tuple(kept[-MOST_QUESTIONS:])


def _failures_after(digest: Digest, text: str, ask: Ask) -> tuple[Failure, ...]:
    """What the user takes back has failed too."""
    if digest.goal is None or ask.kind not in ("task", "follow_up") or not takes_back(text):
        return digest.failures
    undone = Failure(
        tried=clip(one_line(digest.goal.text), chars=140),
        why=f"the user took it back: {clip(one_line(text), chars=120)}",
        at_ms=ask.at_ms,
        signature=f"undone:{ask.at_ms}",
        undone=True,
    )
    return (*digest.failures, undone)[-MOST_FAILURES:]
