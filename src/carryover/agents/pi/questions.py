"""What a user answered to a tool's questions: of pi's extensions, of oh-my-pi and of OpenClaw. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.records.asked import MOST_QUESTIONS, asked_in
from carryover.records.lenient import Fields, fields_of, is_true, items_of, text_of

_BY_USER: Final = ("cancelled", "wasCustom")
"""Whether the user left a question, or typed the answer: in the details of tools that ask a person."""
_CHOSEN: Final = "selectedOptions"
"""What the user chose of the options, in the details of oh-my-pi's tool (18.2.3)."""


def answers_in(details: Fields, question: str | None) -> list[tuple[str, str]]:
    """Returns the questions of a call, of which `question` is the first one, with the answers. None: the call is not of
    a client's own tool that asks. A tool that asks a model or the web has no word on the user."""
    of_client = [] if question is None else _of_openclaw(details, question) or _of_oh_my_pi(details)
    found = of_client or _of_extension(details)
    return [(asked, text) for asked, text in found if asked and text][:MOST_QUESTIONS]


def _of_extension(details: Fields) -> list[tuple[str, str]]:
    """Returns them as pi's own examples `question` and `questionnaire` have them, or each by its question."""
    if is_true(details.get("cancelled")) or details.keys().isdisjoint(_BY_USER):
        return []
    given = details.get("answers")
    asked = {each.id: each.question for each in asked_in(details.get("questions"))}
    listed = map(fields_of, items_of(given))
    chosen = [(asked.get(text_of(one.get("id")), ""), text_of(one.get("label"))) for one in listed]
    chosen += [(question, text_of(text)) for question, text in fields_of(given).items()]
    return [*chosen, (text_of(details.get("question")), text_of(details.get("answer")))]


def _of_oh_my_pi(details: Fields) -> list[tuple[str, str]]:
    """Returns them without those that the client chose, since nobody answered in time."""
    several = map(fields_of, items_of(details.get("results")))
    return [
        (text_of(one.get("question")), _joined(*items_of(one.get(_CHOSEN)), one.get("customInput"), one.get("note")))
        for one in (*several, details)
        if _CHOSEN in one and not is_true(one.get("timedOut"))
    ]


def _of_openclaw(details: Fields, question: str) -> list[tuple[str, str]]:
    """Returns them; a question after the first one by its id alone (2026.9.6)."""
    if text_of(details.get("status")) != "answered":
        return []
    given = fields_of(fields_of(details.get("answers")).get("answers"))
    return [(ident if at else question, _joined(*items_of(each))) for at, (ident, each) in enumerate(given.items())]


def _joined(*texts: msgspec.Raw | None) -> str:
    return ", ".join(filter(None, map(text_of, texts)))
