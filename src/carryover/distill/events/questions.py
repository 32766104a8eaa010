"""Questions that a tool put to the user, and the answers, which bind like rules."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from carryover.distill.clip import clip
from carryover.distill.digest import MOST_QUESTIONS, Digest, OpenQuestion
from carryover.distill.events.turns import with_turn
from carryover.distill.language.names import names_in
from carryover.distill.language.prose import Quote, one_line
from carryover.model import Answer, Event, Question

_MOST_OPTIONS: Final = 6


def question(digest: Digest, event: Event, body: Question) -> Digest:
    """Open until its answer comes."""
    asked = OpenQuestion(
        text=clip(one_line(body.text), chars=280),
        at_ms=event.at_ms,
        options=tuple(clip(one_line(option), chars=60) for option in body.options[:_MOST_OPTIONS]),
        call_id=body.call_id,
        turn=digest.prompts,
    )
    return replace(digest, questions=(*digest.questions, asked)[-MOST_QUESTIONS:])


def answer(digest: Digest, event: Event, body: Answer) -> Digest:  # noqa: ARG001
    """Closes the question, and is kept with it."""
    kept = tuple(q for q in digest.questions if q.call_id != body.call_id)
    decided = f"{clip(one_line(body.question), chars=150)} → {clip(one_line(body.text), chars=120)}"
    digest = replace(digest, questions=kept)
    if digest.turn is not None:
        rule = Quote(decided, "answer to a question of a tool", 2.0, names_in(decided))
        digest = with_turn(digest, rules=(*digest.turn.rules, rule))
    return digest
