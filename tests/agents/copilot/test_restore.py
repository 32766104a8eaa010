"""What a real daemon gives a session, by the script that the hooks run: at a start, and again after a compaction."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agents.copilot.session import CopilotSession
from carryover.edits.hook_command import hook_command
from support.daemon_process import DaemonProcess, wait_until

TASK = "Round the prices to whole cents"


class Home:
    """A home folder with a daemon, and hooks that run as the client runs them."""

    def __init__(self, folder: Path, daemon: DaemonProcess) -> None:
        self.folder = folder
        self.daemon = daemon
        self.project = folder / "shop"
        (self.project / ".git").mkdir(parents=True)
        subprocess.run(["git", "init", "-q", str(self.project)], check=True)
        self.session = CopilotSession(folder / ".copilot", self.project, now=datetime.now(UTC) - timedelta(minutes=5))
        self.session.prompt(TASK)
        self.session.say("The prices are rounded. Shall I test it?")

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


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    state = tmp_path / ".carryover"
    state.mkdir(mode=0o700)
    (state / "config.toml").write_text("[server]\nport = 0\n")
    env = {"HOME": str(tmp_path), "CARRYOVER_HOME": str(state), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    with DaemonProcess(env=env) as daemon:
        wait_until("the first sweep", lambda: daemon.health()["caught_up"])
        made = Home(tmp_path, daemon)
        daemon.settle()
        yield made


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


def test_a_client_that_calls_the_hook_of_the_prompt_first_gives_it_once(home: Home) -> None:
    home.session.compacted("Prices were worked on.")

    assert TASK in home.prompt()
    assert home.hook("sessionStart", source="resume", initialPrompt="Go on") == ""


def test_a_sub_agents_prompt_gets_nothing(home: Home) -> None:
    home.session.compacted("Prices were worked on.")

    assert home.hook("userPromptSubmitted", prompt="List the tests.", agentId="a1") == ""


def test_with_the_daemon_down_a_resumed_session_gets_the_answer_made_in_advance(home: Home) -> None:
    wait_until("the answer", lambda: (home.daemon.state.root / "restore/copilot/resume").exists())
    home.daemon.stop()

    assert "This session was resumed" in home.hook("sessionStart", source="resume")
    assert "Do you want to continue from here" in home.hook("sessionStart", source="new")
    assert home.prompt() == ""
