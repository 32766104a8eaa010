"""Splits a turn's last words between two headings, so that nothing is printed twice.

A question at the end goes under Open questions, everything before it under Where it stands.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from carryover.distill.closed_classes import is_list_item, is_numbered, is_question
from carryover.distill.digest import Turn
from carryover.distill.quotes import lines_of, sentences

_MOST_OPTIONS: Final = 8
_SHORT_QUESTION: Final = 80
"""Most characters of a short question."""
_MOST_AFTER: Final = 2
"""Most lines that may follow a question without answering it."""


class LastWords(NamedTuple):
    """The text without the question (and its options) that ends it, and that question."""

    body: str
    question: str = ""


def last_words(turn: Turn) -> LastWords:
    """Returns all last words of an answered turn; for a turn that was cut off, only a question it asked on the way."""
    if turn.end == "answered":
        return _parted(turn.answer)
    for said in reversed(turn.said):
        parts = _parted(said.text)
        if parts.question:
            return LastWords(body="", question=parts.question)
    return LastWords(body="")


def _parted(text: str) -> LastWords:
    lines = [line for line in text.splitlines() if lines_of(line)]
    if not lines:
        return LastWords(body="")
    *before, last = lines
    ends = sentences(last)
    # If a text ends in a paragraph, its last line is the last sentence.
    units = [*before, *ends] if len(ends) > 1 and not is_list_item(last) else lines
    asked = _asked_from(units)
    first_end = len(before)
    if asked is not None and first_end < asked and len(units[asked]) < _SHORT_QUESTION:
        asked -= 1  # "Which one?" says little without the sentence before it
    if asked is not None:
        return LastWords(body=_text(units[:asked], first_end), question=_text(units[asked:], first_end - asked))
    return LastWords(body=text)


def _text(units: list[str], first_end: int) -> str:
    """Joins lines into a text; from `first_end` on, they are the sentences of one line."""
    at = max(0, first_end)
    return "\n".join([*units[:at], *([" ".join(units[at:])] if units[at:] else [])])


def _asked_from(lines: list[str]) -> int | None:
    """Returns where the question that ends a text begins, including its options; None if no question ends it."""
    asked = next((at for at in range(len(lines) - 1, -1, -1) if is_question(lines[at])), None)
    if asked is None:
        return None
    after = lines[asked + 1 :]
    if sum(not is_list_item(line) for line in after) > _MOST_AFTER:
        return None
    start = asked
    while start > 0 and asked - start < _MOST_OPTIONS and _is_option(lines[start - 1]):
        start -= 1
    leads = start > 0 and lines[start - 1].rstrip().endswith((":", "："))
    return start - 1 if leads else start


def _is_option(line: str) -> bool:
    """Whether a line is a numbered or lettered option before the question, or another question of the same list.
    Bullets before the question may be anything, so they don't count."""
    return is_numbered(line) or is_question(line)
