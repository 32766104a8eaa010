"""Prompts that were changed and sent again."""

from __future__ import annotations

import pytest

from carryover.distill.render import render
from carryover.model import TurnEnd
from support.conversation import handoff, session


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
