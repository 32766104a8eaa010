"""What a real daemon gives a session: at a start, and again with the first prompt after a compaction."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agents.copilot.session import CopilotSession
from support.daemon_process import DaemonProcess, daemon_below, wait_until
from support.hook_client import HookClient
from support.repository import repository

TASK = "Round the prices to whole cents"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaemonProcess]:
    with daemon_below(tmp_path_factory.mktemp("home")) as daemon:
        wait_until("the first sweep", lambda: daemon.health()["caught_up"])
        yield daemon


@pytest.fixture
def compacted(daemon: DaemonProcess, tmp_path: Path) -> CopilotSession:
    """A session in a project of its own, whose last turn is followed by a compaction."""
    home = Path(daemon.env["HOME"])
    project = repository(home / "work" / tmp_path.name)
    session = CopilotSession(home / ".copilot", project, now=datetime.now(UTC) - timedelta(minutes=5))
    session.prompt(TASK)
    session.say("The prices are rounded. Shall I test it?")
    daemon.settle()
    session.compacted("Prices were worked on.")
    return session


def hook(daemon: DaemonProcess, session: CopilotSession, event: str, **fields: object) -> str:
    """What of the answer reaches the model; empty if there is none."""
    heard = HookClient(daemon.state.socket).call(event, session.payload(**fields), agent="copilot")
    return str(json.loads(heard.text)["additionalContext"]) if heard.status == 200 else ""


def prompted(daemon: DaemonProcess, session: CopilotSession, text: str) -> str:
    """The hook of a prompt, and then the prompt, as the client writes it."""
    given = hook(daemon, session, "userPromptSubmitted", prompt=text)
    session.prompt(text)
    return given


def test_after_a_compaction_the_next_prompt_gets_it_once(daemon: DaemonProcess, compacted: CopilotSession) -> None:
    first, second = (prompted(daemon, compacted, text) for text in ("Go on", "And then"))

    assert "Your context was just compacted" in first
    assert TASK in first
    assert second == ""


def test_a_resumed_session_gets_it_with_its_start_and_not_with_its_prompt(
    daemon: DaemonProcess, compacted: CopilotSession
) -> None:
    """Whether or not the log tells of the resume by then."""
    started = hook(daemon, compacted, "sessionStart", source="resume", initialPrompt="Go on")

    assert "This session was resumed" in started
    assert TASK in started
    assert prompted(daemon, compacted, "Go on") == ""
