"""Questions that a tool put to the user, and the answers, which bind like rulings."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from carryover.distill.clip import clip
from carryover.distill.digest import MOST_QUESTIONS, Digest, OpenQuestion
from carryover.distill.events.folded import Folded
from carryover.distill.prose import one_line
from carryover.distill.view import Note
from carryover.model import Answer, Event, Question

_MOST_OPTIONS: Final = 6


def question(digest: Digest, event: Event, body: Question) -> Folded:
    """Open until its answer comes."""
    asked = OpenQuestion(
        text=clip(one_line(body.text), chars=280),
        at_ms=event.at_ms,
        origin="tool",
        options=tuple(clip(one_line(option), chars=60) for option in body.options[:_MOST_OPTIONS]),
        call_id=body.call_id,
    )
    return replace(digest, questions=(*digest.questions, asked)[-MOST_QUESTIONS:]), ()


def answer(digest: Digest, event: Event, body: Answer) -> Folded:
    """Closes the question, and is kept with it."""
    kept = tuple(q for q in digest.questions if q.call_id != body.call_id)
    ruling = f"{clip(one_line(body.question), chars=150)} → {clip(one_line(body.text), chars=120)}"
    return replace(digest, questions=kept), (Note(kind="ruling", text=ruling, at_ms=event.at_ms, weight=2),)
