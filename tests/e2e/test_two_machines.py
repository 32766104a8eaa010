"""Two machines, each with its own home folder and daemon, and a bare repository between them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from carryover.errors import ExitCode
from support import forked
from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess, daemon_below, handoff_of, wait_until
from support.repository import git, repository

pytest.importorskip("pyrage")

TASK = "Add a discount function to the cart"
NEXT = "Done. Next: wire it into checkout."


class OneMachine:
    def __init__(self, home: Path) -> None:
        self.home, self.project = home, home / "shop"
        home.mkdir()
        self.daemon: DaemonProcess = daemon_below(home)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return forked.carryover(*arguments, cwd=self.project, env=self.daemon.env)

    def carryover(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def work(self, prompt: str, answer: str) -> ClaudeSession:
        session = ClaudeSession(self.home / ".claude" / "projects", self.project)
        session.prompt(prompt)
        session.answer(answer)
        self.daemon.settle()
        return session


@pytest.fixture
def laptop_and_desktop(tmp_path: Path) -> Iterator[tuple[OneMachine, OneMachine]]:
    """Both are in one store and have synchronised; on the laptop somebody worked in the project, which both have."""
    laptop, desktop = OneMachine(tmp_path / "ann-laptop"), OneMachine(tmp_path / "ann-desktop")
    git(repository(laptop.project, {"cart.py": "total = 1\n"}), "branch", "-M", "main")
    for bare in ("origin.git", "store.git"):
        git(tmp_path, "init", "--quiet", "--bare", bare)
    git(laptop.project, "remote", "add", "origin", str(tmp_path / "origin.git"))
    git(laptop.project, "push", "--quiet", "origin", "main")
    git(tmp_path, "clone", "--quiet", "--branch", "main", str(tmp_path / "origin.git"), str(desktop.project))
    with ExitStack() as stack:
        for machine in (laptop, desktop):
            stack.enter_context(machine.daemon)
        laptop.work(TASK, NEXT)
        store = str(tmp_path / "store.git")
        laptop.carryover("sync", "init", store, "--name", "laptop")
        laptop.carryover("sync")
        desktop.carryover("sync", "init", store, "--name", "desktop")
        laptop.carryover("sync", "add-machine", "--yes")
        desktop.carryover("sync", "--yes")
        yield laptop, desktop


def test_work_goes_on_on_the_other_machine_once_the_user_has_allowed_it(
    laptop_and_desktop: tuple[OneMachine, OneMachine],
) -> None:
    laptop, desktop = laptop_and_desktop
    [listed] = json.loads(desktop.carryover("sessions", "--all", "--json"))
    assert (listed["machine"], listed["project"]) == ("laptop", f"laptop:{laptop.project}")
    before = desktop.run("handoff")
    assert before.returncode == ExitCode.NOTHING_FOUND
    assert "carryover sync allow" in before.stderr and TASK not in before.stdout + before.stderr
    assert handoff_of(desktop.project) == ""

    desktop.carryover("sync", "allow")
    wait_until("the handoff of the other machine's work", lambda: TASK in handoff_of(desktop.project))
    allowed = handoff_of(desktop.project)
    head = git(desktop.project, "rev-parse", "--short", "HEAD").strip()
    assert "from Claude Code on laptop" in allowed.splitlines()[0]
    line = f"- on laptop: branch main at {head}, which is here\n"
    wait_until("git's answer, which may be too slow once", lambda: line in desktop.carryover("handoff", "--raw"))
    assert desktop.run("resume", "last").returncode == ExitCode.REFUSED

    desktop.work("Wire the discount into checkout, in whole cents", "Wired, and the tests of checkout pass.")
    led = handoff_of(desktop.project)
    assert "from Claude Code\n" in led.splitlines(keepends=True)[0]
    assert f"Prompt (turn 1 of {listed['id'][:8]} on laptop" in led or "on laptop" in led
    laptop.carryover("sync")
    desktop.carryover("sync")
    laptop.carryover("sync")
    laptop.carryover("sync", "allow")
    wait_until("the work of the desktop", lambda: "on desktop" in handoff_of(laptop.project))


def test_the_two_projects_are_taken_apart_and_joined_by_name(laptop_and_desktop: tuple[OneMachine, OneMachine]) -> None:
    """While they are one, a commit that is not here is named with what may bring it."""
    laptop, desktop = laptop_and_desktop
    theirs = f"laptop:{laptop.project}"
    desktop.carryover("sync", "allow")
    wait_until("the handoff of the other machine's work", lambda: TASK in handoff_of(desktop.project))
    git(laptop.project, "commit", "--quiet", "--allow-empty", "--message", "Discounts")
    head = git(laptop.project, "rev-parse", "--short", "HEAD").strip()
    laptop.carryover("sync")
    desktop.carryover("sync")
    line = f"- on laptop: branch main at {head}, which is not here; `git fetch` may bring it\n"
    wait_until("git's answer, which may be too slow once", lambda: line in desktop.carryover("handoff", "--raw"))

    desktop.carryover("link", "--undo", theirs)
    assert TASK not in handoff_of(desktop.project)
    desktop.work("Say hello", "Hello.")
    assert TASK not in handoff_of(desktop.project)
    [session] = json.loads(desktop.carryover("sessions", theirs, "--json"))
    refused = desktop.run("handoff", "--session", session["id"])
    assert refused.returncode == ExitCode.REFUSED and "carryover sync allow" in refused.stderr
    assert desktop.run("handoff", theirs).returncode == ExitCode.REFUSED

    desktop.carryover("link", theirs, str(desktop.project))
    wait_until("the joined work", lambda: TASK in handoff_of(desktop.project))


def test_what_is_forgotten_on_one_machine_vanishes_on_the_other(
    laptop_and_desktop: tuple[OneMachine, OneMachine],
) -> None:
    laptop, desktop = laptop_and_desktop
    desktop.carryover("sync", "allow")
    wait_until("the handoff of the other machine's work", lambda: TASK in handoff_of(desktop.project))

    desktop.carryover("forget", "last", "--yes")
    desktop.carryover("sync")
    laptop.carryover("sync")
    laptop.daemon.settle()

    for machine in (laptop, desktop):
        assert machine.run("sessions", "--all").returncode == ExitCode.NOTHING_FOUND
        assert TASK not in handoff_of(machine.project)
