from __future__ import annotations

import pytest

from carryover.distill.digest import Ending
from carryover.model import TurnEnd
from support.conversation import Conversation


@pytest.mark.parametrize("reason", ["interrupted", "error", "limit"])
def test_a_turn_that_was_cut_off_is_not_done_whatever_was_said_in_it(reason: str) -> None:
    talk = Conversation().user("Fix the cart").says("Fixed.")
    talk.event(TurnEnd(reason=reason, message="over\nloaded"))  # type: ignore[arg-type]

    assert (talk.digest.is_done, talk.turn.end, talk.turn.last_ms) == (False, reason, talk.at_ms)
    assert talk.digest.ending == Ending(reason=reason, message="over loaded", at_ms=talk.at_ms)  # type: ignore[arg-type]


def test_only_a_limit_says_when_it_ends() -> None:
    message = "5-hour limit reached ∙ resets 3pm"
    limit = Conversation().user("Fix the cart").event(TurnEnd(reason="limit", message=message)).digest.ending
    error = Conversation().user("Fix the cart").event(TurnEnd(reason="error", message=message)).digest.ending

    assert limit is not None and error is not None
    assert (limit.resets, error.resets) == ("3pm", None)


def test_an_answer_or_a_new_prompt_puts_an_end_to_it() -> None:
    def cut() -> Conversation:
        return Conversation().user("Fix the cart").event(TurnEnd(reason="error"))

    assert (cut().says("Fixed.").digest.ending, cut().says("Fixed.").digest.is_done) == (None, True)
    assert cut().user("go on").digest.ending is None
    assert cut().says("At it.", final=False).digest.ending is not None


def test_before_any_prompt_nothing_was_cut_off_but_the_session() -> None:
    talk = Conversation().event(TurnEnd(reason="limit", message="resets 3pm"))

    assert (talk.digest.turns, talk.digest.ending is not None) == ((), True)
