"""Which branch a handoff says that the work is on where git can't be asked."""

from __future__ import annotations

from carryover.model import SessionInfo
from support.conversation import GOAL, session, under


def test_a_branch_that_a_command_left_is_one_of_earlier_work() -> None:
    talk = session("s1").event(SessionInfo(branch="main")).user(GOAL).edited("cart.py")
    talk.ran("git stash && git switch -c tax", "Saved working directory\nSwitched to a new branch 'tax'")

    assert "; on branch tax; earlier work on branch main (turn 1, 1 min earlier)" in under("Where it stands", talk)
    assert "; on branch tax; earlier work on branch main" in under("Where it stands", talk.ran("cat cart.py"))


def test_a_turn_that_only_went_to_a_branch_is_no_work_on_the_one_that_it_left() -> None:
    talk = session("s1").event(SessionInfo(branch="main")).user(GOAL).ran("git switch tax", "Switched to branch 'tax'")

    stands = under("Where it stands", talk)
    assert "on branch tax" in stands
    assert "main" not in stands
