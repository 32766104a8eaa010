"""What a real daemon gives a session, by the script that the hooks run: at a start, and again after a compaction."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agents.copilot.session import CopilotSession
from carryover.edits.hooks import hook_command
from support.daemon_process import DaemonProcess, daemon_below, wait_until

TASK = "Round the prices to whole cents"


class Home:
    """A home folder with a daemon, hooks that run as the client runs them, and a project with one session."""

    def __init__(self, daemon: DaemonProcess, name: str) -> None:
        self.folder = folder = Path(daemon.env["HOME"])
        self.daemon = daemon
        self.project = folder / "work" / name
        self.project.mkdir(parents=True)
        subprocess.run(["git", "init", "-q", str(self.project)], check=True)
        self.session = CopilotSession(folder / ".copilot", self.project, now=datetime.now(UTC) - timedelta(minutes=5))
        self.session.prompt(TASK)
        self.session.say("The prices are rounded. Shall I test it?")
        daemon.settle()

    def hook(self, event: str, **fields: object) -> str:
        """What of the answer reaches the model; empty where there is none."""
        line = hook_command(self.daemon.state.root, "copilot", event)
        env = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        ran = subprocess.run(
            ["/bin/sh", "-c", line],
            input=self.session.payload(**fields),
            cwd=self.project,
            env=env,
            capture_output=True,
        )
        assert (ran.returncode, ran.stderr) == (0, b"")
        return json.loads(ran.stdout)["additionalContext"] if ran.stdout else ""

    def prompt(self, text: str = "Go on") -> str:
        """The hook of a prompt, and then the prompt, as the client writes it."""
        given = self.hook("userPromptSubmitted", prompt=text)
        self.session.prompt(text)
        return given


@contextmanager
def daemon_in(folder: Path) -> Iterator[DaemonProcess]:
    with daemon_below(folder) as daemon:
        wait_until("the first sweep", lambda: daemon.health()["caught_up"])
        yield daemon


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaemonProcess]:
    """One daemon for the projects of several tests."""
    with daemon_in(tmp_path_factory.mktemp("shared")) as daemon:
        yield daemon


@pytest.fixture
def home(shared: DaemonProcess, tmp_path: Path) -> Home:
    return Home(shared, tmp_path.name)


def test_after_a_compaction_the_next_prompt_gets_it_once(home: Home) -> None:
    home.session.compacted("Prices were worked on.")

    first, second = home.prompt(), home.prompt("And then")

    assert "Your context was just compacted" in first
    assert TASK in first
    assert second == ""


def test_a_resumed_session_gets_it_with_its_start_and_not_with_its_prompt(home: Home) -> None:
    """Whether or not the log tells of the resume by then."""
    home.session.compacted("Prices were worked on.")

    started = home.hook("sessionStart", source="resume", initialPrompt="Go on")

    assert "This session was resumed" in started
    assert TASK in started
    assert home.prompt() == ""
