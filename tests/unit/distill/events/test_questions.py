from __future__ import annotations

from carryover.distill.digest import OpenQuestion
from carryover.distill.language.prose import Quote
from carryover.distill.view import Note
from carryover.model import Answer, Question
from support.conversation import Conversation


def asked() -> Conversation:
    return Conversation().user("Set the cap").event(Question(call_id="q", text="Which\ncap?", options=("50", "none")))


def test_a_question_of_a_tool_is_open_with_its_options_and_turn() -> None:
    talk = asked()

    assert talk.digest.questions == (
        OpenQuestion(text="Which cap?", at_ms=talk.at_ms, call_id="q", options=("50", "none"), turn=1),
    )


def test_its_answer_closes_it_and_binds_like_a_rule() -> None:
    talk = asked().event(Answer(call_id="q", question="Which cap?", text="50"))

    assert talk.digest.questions == ()
    assert talk.turn.rules == (Quote("Which cap? → 50", "answer to a question of a tool", 2.0),)
    assert talk.notes == [Note(kind="decision", text="Which cap? → 50", at_ms=talk.at_ms, weight=2)]


def test_the_answer_to_another_question_leaves_it_open() -> None:
    talk = asked().event(Answer(call_id="other", question="Which door?", text="the left one"))

    assert [question.text for question in talk.digest.questions] == ["Which cap?"]


def test_a_new_prompt_closes_it() -> None:
    assert asked().user("never mind the cap").digest.questions == ()


def test_many_options_and_long_words_are_cut() -> None:
    talk = Conversation().user("Set the cap")
    talk.event(Question(call_id="q", text="x" * 999, options=tuple("y" * 99 for _ in range(9))))
    question = talk.digest.questions[0]

    assert (len(question.text), [len(option) for option in question.options]) == (280, [60] * 6)
