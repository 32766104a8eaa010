"""Which branch a handoff says that the work is or was on."""

from __future__ import annotations

import pytest

from carryover.distill.render import render
from carryover.facts import Facts, GitFacts, GitNotes
from carryover.model import FileEdit, SessionInfo
from support.conversation import GOAL, ROOT, handoff, session, under


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


@pytest.mark.parametrize(
    ("git", "said"),
    [
        (GitFacts(branch="feature/x", head="abc1234"), ""),
        (GitFacts(branch=None, head="abc1234", notes=GitNotes(under_way="rebase", rebased="feature/x")), ""),
        (GitFacts(branch="main", head="abc1234"), "was on branch feature/x"),
        (None, " on branch feature/x"),
    ],
)
def test_the_branch_of_the_work_stands_beside_it_unless_it_is_checked_out(git: GitFacts | None, said: str) -> None:
    talk = session("s1").event(SessionInfo(branch="main")).user(GOAL)
    talk.ran("git switch -c feature/x", "Switched to a new branch 'feature/x'").edited("cart.py").says("Done.")
    talk.event(SessionInfo(branch="main")).user("What about tax?").says("It rounds.")
    text = render(handoff(talk, facts=Facts(git)))

    assert said in text
    assert ("on branch feature/x" in text, "was on branch" in text) == (said != "", said.startswith("was"))


def test_the_branch_on_which_a_turn_only_committed_is_that_of_the_newest_work() -> None:
    talk = session("s1").event(SessionInfo(branch="main")).user(GOAL).edited("cart.py").says("The cents are whole.")
    talk.user("Commit it on a branch.").ran("git switch -c feature/x", "Switched to a new branch 'feature/x'")
    talk.ran("git commit -am Cents", "[feature/x 4a7f2c1] Cents").says("Committed.").user("Tax?").says("It rounds.")
    text = render(handoff(talk, facts=Facts(GitFacts(branch="feature/x", head="4a7f2c1"))))

    assert "words after the newest work (turn 1" in text
    assert "earlier work on branch main" in text
    assert "was on branch" not in text


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        ([f"{ROOT}.worktrees/tax/src/tax.py", f"{ROOT}.worktrees/tax/docs/tax.md"], f"in `{ROOT}.worktrees/tax`"),
        (["/srv/shop/tax.py"], "in `/srv/shop`"),
        (["D:\\shop\\tax.py"], "in `D:/shop`"),
        ([f"{ROOT}.worktrees/tax/tax.py", f"{ROOT}/cart.py"], "on branch main"),
        (["/tmp/probe.py"], "on branch main"),
        ([f"{ROOT}/src/tax.py"], "on branch main"),
        ([f"{ROOT.rpartition('/')[0]}/compose.yml"], "on branch main"),
        (["D:/shop/tax.py", "/srv/shop/tax.py"], "on branch main"),
    ],
)
def test_work_outside_of_the_project_is_not_said_to_be_on_its_branch(paths: list[str], said: str) -> None:
    talk = session("s1").event(SessionInfo(branch="main")).user(GOAL).edited("cart.py").says("Done.")
    talk.user("Now the tax.")
    for path in paths:
        talk.event(FileEdit(path=path, change="modify"))
    stands = under("Where it stands", talk.says("The tax is done."))

    assert said in stands
    assert ("on branch main" in stands) == ("main" in said)
    assert ("newest edits outside of the project, " in stands) == ("main" not in said)
