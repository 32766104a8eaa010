"""Which edits revert what an earlier turn had changed."""

from __future__ import annotations

from typing import Literal

import pytest

from carryover import model
from support.conversation import GOAL, ROOT, Conversation, session

CART = f"{ROOT}/cart.py"


def edits(talk: Conversation, diff: str, change: Literal["add", "modify", "delete"] = "modify") -> Conversation:
    return talk.event(model.FileEdit(path=CART, change=change, diff=diff))


def reverts(talk: Conversation) -> list[tuple[int, int]]:
    return [(one.turn, one.of) for one in talk.digest.reverts]


def test_an_edit_reverts_another_if_it_adds_what_that_took_out_and_takes_out_what_that_added() -> None:
    talk = edits(session("s1").user(GOAL), "@@ +3\n-price = cents\n+price = float(cents)")
    edits(talk.user("Floats are wrong here."), "@@ +3\n total = 0\n-price = float(cents)\n+price = cents")

    assert reverts(talk) == [(2, 1)]


def test_a_turn_with_a_change_left_is_not_reverted() -> None:
    talk = edits(edits(session("s1").user(GOAL), "+show(cart)"), "-a\n+b")
    edits(edits(talk, "+log(cart)"), "-log(cart)")  # it took this out itself
    edits(talk.user("Without the list."), "-show(cart)")

    assert reverts(talk) == []
    assert reverts(edits(talk, "-b\n+a")) == [(2, 1)]


@pytest.mark.parametrize("order", [1, -1])
def test_a_turn_of_many_edits_may_be_reverted_in_any_order(order: int) -> None:
    talk = session("s1").user(GOAL)
    for number in range(7):
        edits(talk, f"-a{number}\n+b{number}")
    talk.user("Undo that.")
    for number in range(7)[::order]:
        assert reverts(talk) == []
        edits(talk, f"-b{number}\n+a{number}")

    assert reverts(talk) == [(2, 1)]


def test_half_a_character_is_a_change_like_any_other() -> None:
    talk = edits(session("s1").user(GOAL), "-a\n+\ud83d")
    assert reverts(edits(talk.user("Undo that."), "-\ud83d\n+a")) == [(2, 1)]


def test_what_is_changed_further_or_in_the_same_turn_is_not_reverted() -> None:
    talk = edits(session("s1").user(GOAL), "-price = cents\n+price = float(cents)")
    edits(talk, "-price = float(cents)\n+price = cents")
    edits(edits(talk, "-a\n+b").user("And rounded."), "-b\n+c")
    edits(edits(talk, "-d\n+e\n\\ 20 more lines").user("Again."), "-e\n+d\n\\ 20 more lines")

    assert reverts(talk) == []


@pytest.mark.parametrize(
    ("line", "is_reverted"),
    [
        ('"context"\n+\n+\tk8s "k8s.io/api/core/v1"', False),
        ("from shop import cart", False),
        ('import { total } from "./cart"', False),
        ("use shop::cart;", False),
        ("#include <cart.h>", False),
        ('const cart = require("./cart")', False),
        ("important = True", True),
        ('"context"\n+\ttotal()', True),
        ('"context": 1', True),
    ],
)
def test_imports_that_are_needed_no_more_are_not_reverted(line: str, is_reverted: bool) -> None:
    talk = edits(session("s1").user(GOAL), f"@@ +3\n+{line}").user("In its own file.")

    assert bool(reverts(edits(talk, f"@@ +3\n-{line}".replace("\n+", "\n-")))) == is_reverted


def test_a_change_that_is_made_again_is_not_reverted() -> None:
    talk = edits(session("s1").user(GOAL), "-a\n+b")
    edits(edits(talk.user("Undo that."), "-b\n+a").user("No, it was right."), "-a\n+b")

    assert reverts(talk) == []
    assert reverts(edits(talk.user("Undo it after all."), "-b\n+a")) == [(4, 3)]


def test_a_new_file_that_a_later_turn_deletes_is_reverted() -> None:
    talk = edits(edits(session("s1").user(GOAL), "+a", "add").user("No new file."), "", "delete")
    scratch = edits(edits(session("s2").user(GOAL), "+a", "add"), "", "delete")
    old = edits(edits(session("s3").user(GOAL), "-a\n+b").user("We don't need it."), "", "delete")

    assert [reverts(one) for one in (talk, scratch, old)] == [[(2, 1)], [], []]


def test_a_file_that_is_added_again_was_not_reverted() -> None:
    talk = edits(edits(session("s1").user(GOAL), "+a", "add").user("Test it, too."), "", "delete")

    assert reverts(edits(talk, "+b", "add")) == []


def test_what_is_kept_of_edits_is_bounded() -> None:
    talk = session("s1")
    for number in range(60):
        edits(talk.user(f"Try {number}."), f"-a\n+b{number}")
        edits(talk.user("Undo that."), f"-b{number}\n+a")
    [file] = talk.digest.touched

    assert len(file.changes) == 8
    assert len(reverts(talk)) == 20
