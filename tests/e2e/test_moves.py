"""A real daemon process and projects that are renamed, cloned and removed under it."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess, handoff_of, wait_until
from support.hook_client import HookClient, payload_of
from support.repository import git

TASK = "Add a discount function to the cart"


@pytest.fixture
def worked(session: ClaudeSession) -> ClaudeSession:
    """A session of a while ago, with a task, in a project with a commit."""
    (session.cwd / "cart.py").write_text("total = 0\n")
    git(session.cwd, "add", "--all")
    git(session.cwd, "commit", "--quiet", "--message", "first")
    session.now -= timedelta(minutes=5)
    session.prompt(TASK)
    session.answer("I wrote discount(). Next I will add tests for negative amounts.")
    return session


def starts_in(root: Path, before: ClaudeSession, hooks: HookClient) -> str:
    """What a session that starts in `root` is told."""
    new = ClaudeSession(before.folder, root, now=before.now)
    return hooks.call("SessionStart", payload_of(new, "SessionStart", source="startup")).text


def looked_at(daemon: DaemonProcess, project: Path) -> None:
    daemon.settle()
    wait_until("the handoff", lambda: TASK in handoff_of(project))


def test_a_session_in_the_renamed_folder_is_given_what_was_done_before(
    running: DaemonProcess, hooks: HookClient, worked: ClaudeSession, project: Path
) -> None:
    looked_at(running, project)
    store = project.rename(project.with_name("store"))

    assert TASK in starts_in(store, worked, hooks)

    wait_until("the handoff there", lambda: TASK in handoff_of(store))
    assert [root["root"] for root in running.health()["projects"]] == [str(store)]


def test_a_project_that_was_renamed_while_no_daemon_ran_is_found_when_one_does(
    daemon: DaemonProcess, free_port: None, worked: ClaudeSession, project: Path
) -> None:
    with daemon:
        looked_at(daemon, project)
        daemon.stop()
    shutil.rmtree(project / ".carryover")
    store = project.rename(project.with_name("store"))
    later = ClaudeSession(worked.folder, store, now=worked.now)
    later.prompt("Continue")
    with daemon:
        daemon.settle()

        assert "negative amounts" in handoff_of(store)
        assert ": Add a discount function to the cart\n" in handoff_of(store)
