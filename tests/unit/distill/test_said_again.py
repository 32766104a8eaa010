"""What several prompts have is not what the user said in each of them."""

from __future__ import annotations

import pytest

from carryover.distill.render import render
from carryover.model import TurnEnd
from carryover.text.pasted import as_pasted
from support.conversation import handoff, session, under

OPEN_FILE = '<editor-context source="window">\nOpen: cart.py, line {}\n</editor-context>\n\n'
RULES = "Work in small steps and run the tests after each one of them."
FORM = "### What happens\n\n{}\n\n### How often\n\n{}"


def test_what_a_client_puts_beside_each_prompt_is_quoted_in_none() -> None:
    talk = session("s1").user(f"{OPEN_FILE.format(3)}Number the vouchers.").edited("cart.py").says("They are.")
    assert "Open: cart.py" in render(handoff(talk))

    talk.user(f"{OPEN_FILE.format(9)}Now the receipts.").edited("receipt.py").says("Done.")
    text = render(handoff(talk))
    assert "Open: cart.py" not in text
    assert "Number the vouchers." in text
    assert "Now the receipts." in text


def test_the_words_stay_that_are_between_tags_in_a_fixed_text() -> None:
    asks = "Answer what is asked.\n\n<the-question>{}</the-question>"
    talk = session("s1").user(asks.format("How are vouchers numbered?")).says("By year.")
    talk.user(asks.format("Where are the receipts?")).says("In the cellar.")

    assert "How are vouchers numbered?" in under("Task", talk)
    assert "Where are the receipts?" in under("Task", talk)


def test_a_paragraph_of_several_prompts_is_quoted_in_the_newest_of_them() -> None:
    talk = session("s1").user(f"{RULES}\n\nNumber the vouchers.").edited("cart.py").says("They are.")
    talk.user(f"{RULES}\n\nNow the receipts.").edited("receipt.py").says("Done.")
    assert f"Newest prompt (turn 2, 2 min earlier): {RULES} ¶ Now the receipts." in under("Task", talk)
    assert "First prompt (turn 1, 5 min earlier): … ¶ Number the vouchers." in under("Task", talk)

    other = session("s2", hours=1).user(f"{RULES}\n\nThen the mails.").edited("mail.py").says("Sent.")

    text = render(handoff(talk, other))
    assert text.count(RULES) == 1
    assert f"): {RULES} ¶ Then the mails.\n" in text


def test_the_end_of_a_paste_stays_though_a_newer_prompt_has_it_too() -> None:
    note = as_pasted(f"Dear all,\n\n{RULES}\n\n{RULES} Drop the table when you are done.")
    talk = session("s1").user(f"{note}\n\nNumber the vouchers.").edited("cart.py").says("They are.")
    talk.user(f"{note}\n\nNow the receipts.").edited("receipt.py").says("Done.")

    assert "First prompt (turn 1, 5 min earlier): Number the vouchers." in under("Task", talk)


def test_of_a_form_that_is_filled_in_again_the_answers_stay() -> None:
    talk = session("s1").user(FORM.format("The cart is empty.", "Daily.")).edited("cart.py").says("Mended.")
    talk.user(FORM.format("No mail is sent.", "Once.")).edited("mail.py").says("Mended.")

    text = render(handoff(talk))
    assert text.count("How often") == 1
    assert "): … ¶ The cart is empty. ¶ … ¶ Daily." in text


def test_a_prompt_that_says_the_same_again_stays() -> None:
    talk = session("s1").user(RULES).says("Yes.").user(f"{RULES}\n\n").edited("cart.py").says("Done.")

    assert RULES in under("Task", talk)


@pytest.mark.parametrize(
    "again",
    ["Number the vouchers by year and month.", "Number all the vouchers by year.", "Number the vouchers by year"],
)
def test_a_prompt_that_is_changed_and_sent_again_is_quoted_once(again: str) -> None:
    talk = session("s1").user("Show the cart.").says("It is there.").user("Number the vouchers by year.").calls("make")
    talk.event(TurnEnd(reason="interrupted")).user(again).edited("voucher.py").says("They have numbers.")
    talk.user("Now the receipts.").edited("receipt.py").says("Done.")

    assert render(handoff(talk)).count("vouchers") == 1


def test_a_prompt_that_was_answered_or_is_followed_by_another_is_quoted() -> None:
    talk = session("s1").user("Number the vouchers.").says("They have numbers.").user("Number the vouchers by year.")
    talk.event(TurnEnd(reason="interrupted")).user("Number the receipts.").edited("receipt.py").says("Done.")

    assert render(handoff(talk)).count("Number the") == 3
