from __future__ import annotations

import pytest

from carryover.distill.sections.task import task_lines
from support.conversation import Conversation


def lines(talk: Conversation) -> list[str]:
    return task_lines(talk.digest)


def test_the_task_is_in_the_users_words_on_one_line() -> None:
    assert lines(Conversation().user("Add a discount:\n- capped\n- tested")) == ["Add a discount: capped; tested"]


def test_a_slash_commands_arguments_are_the_task() -> None:
    assert lines(Conversation().user("apply for the engineering grant", "/apply")) == [
        "/apply apply for the engineering grant"
    ]


def test_a_command_alone_goes_beside_the_task() -> None:
    assert lines(Conversation().user("Write the poems").says("ok").user("", "/publish")) == [
        "Write the poems",
        "Then: /publish",
    ]


def test_a_yes_carries_the_offer_it_agreed_to() -> None:
    talk = (
        Conversation()
        .user("Build the parser")
        .says("Built.\n\nShall I add the error messages as well?")
        .user("yes to all")
    )

    assert lines(talk) == ["Build the parser", 'Answered "yes to all" to: Shall I add the error messages as well?']


def test_a_request_that_points_back_carries_what_it_follows_on() -> None:
    talk = (
        Conversation()
        .user("Add a discount to the cart")
        .says("Done.")
        .user("now please wire it into the checkout page")
    )

    assert lines(talk) == ["now please wire it into the checkout page", "Following on: Add a discount to the cart"]


@pytest.mark.parametrize("aside", ["why won't you run it?", "who wrote that file?"])
def test_an_aside_does_not_end_the_task(aside: str) -> None:
    assert lines(Conversation().user("Add a discount to the cart").says("Done.").user(aside)) == [
        "Add a discount to the cart"
    ]


def test_a_bare_order_to_do_something_else_keeps_the_task_in_sight() -> None:
    assert lines(Conversation().user("Add a discount to the cart").says("Done.").user("commit!")) == [
        "Add a discount to the cart",
        "Then: commit!",
    ]


def test_being_told_to_read_the_handoff_is_no_task() -> None:
    pointed = Conversation().user("Read .carryover/handoff.md, then go on with the task it describes.")

    assert pointed.digest.goal is None
    assert lines(pointed.says("It is about the cart.").user("Wire it into the checkout page")) == [
        "Wire it into the checkout page"
    ]
