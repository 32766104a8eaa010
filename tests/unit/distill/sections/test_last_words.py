"""The question that an agent ended with, with its options, apart from what it said before."""

from __future__ import annotations

import pytest

from carryover.distill.sections.last_words import last_words
from carryover.model import TurnEnd
from support.conversation import Conversation

OPTIONS = "1. a cache\n2. a background job"


def parted(text: str) -> tuple[str, str]:
    words = last_words(Conversation().user("Go.").says(text).turn)
    return words.body, words.question


@pytest.mark.parametrize(
    ("text", "body", "question"),
    [
        ("It is done.", "It is done.", ""),
        ("It is done.\n\nShall I delete the old one?", "It is done.", "Shall I delete the old one?"),
        (
            "It is done. All pass. Shall I delete the old module and all of its tests in `old/`, which nothing calls?",
            "It is done. All pass.",
            "Shall I delete the old module and all of its tests in `old/`, which nothing calls?",
        ),
        ("It is done.\nThere are two ways:\n" + OPTIONS + "\nWhich one?", "It is done.", None),
        ("It is done.\nWhich one do you prefer?\n" + OPTIONS, "It is done.", None),
        ("- cart.py\n- tax.py\n\nShall I push?", "- cart.py\n- tax.py", "Shall I push?"),
        ("古いほうを消しました。\n新しいほうも消しますか？", "古いほうを消しました。", "新しいほうも消しますか？"),
        ("Ist es fertig? Ja.\nAlles läuft.\nDie Tests auch.\nIch bin fertig.", None, ""),
        ("Shall I push?\nI can also wait.", "", None),
    ],
)
def test_a_question_at_the_end_is_parted_with_its_options(text: str, body: str | None, question: str | None) -> None:
    found = parted(text)

    assert found[0] == (text if body is None else body)
    assert found[1] == (text.removeprefix(body or "").strip() if question is None else question)


def test_a_short_question_takes_the_sentence_before_it_along() -> None:
    assert parted("It is done. The cache is faster and the job is simpler. Which one?") == (
        "It is done.",
        "The cache is faster and the job is simpler. Which one?",
    )


@pytest.mark.parametrize("ending", [None, TurnEnd(reason="limit"), TurnEnd(reason="interrupted")])
def test_a_question_before_the_last_call_of_a_turn_that_was_cut_off_is_found(ending: TurnEnd | None) -> None:
    talk = Conversation().user("Go.").says("Shall I delete `old/`?", final=False).calls("make")
    if ending is not None:
        talk.event(ending)

    assert last_words(talk.turn).question == "Shall I delete `old/`?"


def test_an_answer_after_it_takes_its_place() -> None:
    talk = Conversation().user("Go.").says("Shall I look first?", final=False).ran("make").says("It is built.")

    assert last_words(talk.turn) == ("It is built.", "")
