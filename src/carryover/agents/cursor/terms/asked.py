"""Questions that a tool puts to the user."""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.model import Question
from carryover.records import rawjson

MAX_QUESTIONS: Final = 6
"""Of one call; Cursor's own form has fewer."""


class WireOption(msgspec.Struct, frozen=True):
    label: str | None = None
    id: str | None = None


class WireQuestion(msgspec.Struct, frozen=True):
    prompt: str | None = None
    question: str | None = None
    options: list[WireOption | str] | None = None


class WireQuestions(msgspec.Struct, frozen=True):
    """Arguments of AskQuestion (the fields are unverified: see FACTS.md)."""

    questions: list[WireQuestion] | None = None
    question: str | None = None
    prompt: str | None = None
    options: list[WireOption | str] | None = None


def questions_of(call_id: str, args: msgspec.Raw) -> tuple[Question, ...]:
    """What a call asks, with the choices it offers. Empty where its arguments have another shape."""
    given = rawjson.part_of(args, WireQuestions)
    if given is None:
        return ()
    wires = given.questions or [
        WireQuestion(prompt=given.prompt, question=given.question, options=given.options),
    ]
    found = (
        Question(call_id=call_id, text=text, options=tuple(_label(option) for option in wire.options or ()))
        for wire in wires
        if (text := wire.prompt or wire.question)
    )
    return tuple(found)[:MAX_QUESTIONS]


def _label(option: WireOption | str) -> str:
    return option if isinstance(option, str) else option.label or option.id or ""
