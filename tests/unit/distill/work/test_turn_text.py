from __future__ import annotations

from carryover.distill.events.turns import close
from carryover.model import TurnEnd
from support.conversation import Conversation


def test_of_many_findings_of_a_turn_the_weightiest_six_are_kept_in_their_order() -> None:
    talk = Conversation().user("Find out why it stops")
    for number in range(4):
        talk.says(f"The loaf in `loaf{number}.py` works with {number} trays.", final=False).calls("ls")
        talk.says(f"It stops because `oven{number}.py` is empty.", final=False).calls("ls")

    assert [quote.text for quote in talk.turn.findings] == [
        "It stops because `oven0.py` is empty.",
        "It stops because `oven1.py` is empty.",
        "The loaf in `loaf2.py` works with 2 trays.",
        "It stops because `oven2.py` is empty.",
        "The loaf in `loaf3.py` works with 3 trays.",
        "It stops because `oven3.py` is empty.",
    ]


def test_the_last_text_of_a_turn_that_was_cut_off_is_read_as_one_on_the_way() -> None:
    said = "It stops because `oven.py` is empty. The failure of `till.py` is pre-existing.\n\nNow I will fill it."
    talk = Conversation().user("Find out why it stops").says(said, final=False).event(TurnEnd(reason="interrupted"))
    turn = close(talk.digest).turns[0]

    assert ([quote.text for quote in turn.findings], turn.doing) == (
        ["It stops because `oven.py` is empty."],
        "Now I will fill it.",
    )
    assert [item.text for item in talk.line.loose_ends] == ["The failure of `till.py` is pre-existing."]
