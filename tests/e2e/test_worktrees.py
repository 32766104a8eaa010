"""Work in several worktrees of one repository, as the hooks and the commands hand it over."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess, handoff_of
from support.forked import carryover
from support.hook_client import HookClient, payload_of
from support.repository import git

NOTHING_YET = "the main checkout {} (nothing was done in this worktree yet)"


@pytest.fixture
def worktree(project: Path) -> Path:
    """A fresh one beside the project, in which nothing was ever done."""
    (project / "cart.py").write_text("total = 1\n")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "cart")
    git(project, "worktree", "add", "--quiet", str(project.with_name("shop-tax")), "-b", "tax")
    return project.with_name("shop-tax")


def work(session: ClaudeSession, task: str) -> None:
    session.prompt(task)
    session.answer("Done. Shall I add tests for negative amounts?")


def handoff_command(folder: Path) -> str:
    return carryover("handoff", "--raw", cwd=folder).stdout


def test_a_fresh_worktree_gets_the_handoff_of_the_main_checkout_and_is_told_so(
    running: DaemonProcess, hooks: HookClient, session: ClaudeSession, project: Path, worktree: Path
) -> None:
    work(session, "Add a discount function to the cart")
    running.settle()
    printed = handoff_command(worktree)

    first = ClaudeSession(session.folder, worktree, now=session.now)
    given = hooks.call("SessionStart", payload_of(first, "SessionStart", source="startup"))

    for text in (printed, given.text, handoff_of(worktree)):
        assert "Add a discount function to the cart" in text
        assert NOTHING_YET.format(project) in text
    running.settle()
    assert "orktree" not in handoff_of(project), "one in which nothing was done is not worth a line"

    work(first, "Add the tax")
    running.settle()
    assert "Add the tax" in handoff_of(worktree)
    assert "discount" not in handoff_of(worktree), "from now on it has its own"


@pytest.mark.parametrize("words", [("sessions",), ("show", "last")])
def test_a_command_in_a_fresh_worktree_says_where_the_sessions_are(
    words: tuple[str, ...], running: DaemonProcess, session: ClaudeSession, project: Path, worktree: Path
) -> None:
    work(session, "Add a discount function to the cart")
    running.settle()

    said = carryover(*words, cwd=worktree).stderr

    assert f"It is a worktree of {project}: `carryover sessions {project}` lists what was done there." in said


def test_worktrees_are_listed_with_their_task_as_long_as_they_exist(
    running: DaemonProcess, session: ClaudeSession, project: Path, worktree: Path
) -> None:
    work(ClaudeSession(session.folder, worktree), "Add the tax")
    work(session, "Add a discount function to the cart")
    running.settle()
    assert f"- Worktree {worktree}, with its own handoff (now): Add the tax" in handoff_of(project)

    git(project, "worktree", "remove", "--force", str(worktree))
    work(session, "Now round it")
    running.settle()
    assert "orktree" not in handoff_of(project)


def test_the_past_of_a_main_checkout_that_is_left_out_reaches_no_worktree(
    running: DaemonProcess, hooks: HookClient, session: ClaudeSession, project: Path, worktree: Path
) -> None:
    work(session, "Add a discount function to the cart")
    running.settle()
    (project / ".carryover.toml").write_text("exclude = true\n")

    first = ClaudeSession(session.folder, worktree, now=session.now)
    assert hooks.call("SessionStart", payload_of(first, "SessionStart", source="startup")).text == ""
    assert "discount" not in handoff_of(worktree)
