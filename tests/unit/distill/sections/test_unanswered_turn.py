"""What a handoff shows of a turn that has no answer yet."""

from __future__ import annotations

from carryover.model import TurnEnd
from support.conversation import GOAL, ROOT, session, under, worked


def test_a_file_that_it_read_takes_less_room_than_what_a_sub_agent_reported() -> None:
    talk = worked().user("Find out how the shop is built.")
    report = "\n".join(
        f"Finding {at}: the service {at} owns table {at}, and nothing else writes to it." for at in range(12)
    )
    talk.ran("Explore the services", report, op="agent", name="Task")
    for at in range(8):
        source = "\n".join(f"line {at}.{number} of a long source file that is on the disk" for number in range(60))
        talk.ran(f"{ROOT}/service_{at}.py", source, op="read", name="Read")

    files = under("Recent files", talk)
    assert [at for at in range(12) if f"Finding {at}:" not in files] == []
    assert "line 7.30 of" not in files


def test_a_turn_that_the_user_interrupted_is_told_when_only_a_prompt_followed() -> None:
    talk = worked().user("Move the vouchers.").says("You ask: where do they belong?\nI look.", final=False)
    talk.ran("ls shop").event(TurnEnd(reason="interrupted")).user("Take the ones in tax.py.")

    assert "claude-code's turn 2: interrupted by the user" in under("Where it stands", talk)
    assert "had asked" not in under("Next action", talk), "it went on by itself"


def test_a_prompt_whose_turn_was_interrupted_says_so() -> None:
    talk = session("s1").user(GOAL).edited("cart.py").says("Done.").user("Run all of them in one go, without a pause.")
    talk.event(TurnEnd(reason="interrupted")).user("Make a shell for that instead.").edited("run.sh").says(
        "There it is."
    )
    talk.user("Thanks. And the receipt?").edited("receipt.py").says("It has a line now.")

    assert ", then interrupted): Run all of them" in under("What the user said", talk)
    talk.user("Once more: run all of them in one go.").event(TurnEnd(reason="interrupted"))
    assert ", then interrupted): Once more" in under("Task", talk)


def test_a_turn_before_the_newest_prompt_that_only_has_no_answer_is_not_said_to_be_cut_off() -> None:
    talk = session("s1").user(GOAL).edited("cart.py").user("And in tax.py, please.")

    assert "turn 1:" not in under("Where it stands", talk)


def test_a_prompt_after_a_question_is_not_said_to_answer_it() -> None:
    talk = worked(says="It is in cents.\n\nShall the receipt have it too?").user("Open the cart once more.")

    assert under("Next action", talk) == "claude-code had asked right before turn 2: Shall the receipt have it too?"
