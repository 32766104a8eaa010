from __future__ import annotations

from carryover.distill.questions import doubts_in, offers_in, questions_in


def test_a_closing_question_is_kept_with_its_options() -> None:
    answer = "The cap is open.\n\nWhich one do you prefer?\n1. 50 percent\n2. no cap\n"

    assert questions_in(answer) == [("Which one do you prefer?", ("50 percent", "no cap"))]


def test_courtesy_is_no_question() -> None:
    assert questions_in("All done. Is there anything else I can help with?\nWhat would you like to do next?") == []


def test_a_question_in_code_or_far_from_the_end_is_rhetoric() -> None:
    assert questions_in("Why did it fail?\n" + "\n".join(f"Line {n}." for n in range(30))) == []
    assert questions_in("```\nreally?\n```\nFixed.") == []


def test_an_offer_is_what_a_bare_yes_agrees_to() -> None:
    assert offers_in("Done.\nIf you want, I can add the tests as well.") == [
        "If you want, I can add the tests as well."
    ]


def test_doubts_voiced_in_passing_are_kept() -> None:
    answer = "It builds. The migration is untested on Postgres 12 so far. Critical Day 1 task: verify the fee table."

    assert doubts_in(answer) == [
        "The migration is untested on Postgres 12 so far.",
        "Critical Day 1 task: verify the fee table.",
    ]


def test_a_step_put_to_the_user_without_a_question_mark_asks_too() -> None:
    answer = "Done.\nIf you're happy with rye, I'll go on to the crust. If you want more details, let me know."

    assert questions_in(answer) == [("If you're happy with rye, I'll go on to the crust.", ())]
