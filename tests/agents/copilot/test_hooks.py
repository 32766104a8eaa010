"""What hooks say, how their answers reach a session, and what a real daemon gives it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agents.copilot.contract_case import LOG, SESSION, payload, recorded
from agents.copilot.session import CopilotSession
from carryover.adapter.contract import HookEvent
from carryover.agents.copilot.adapter import HOOKS
from carryover.model import UserPrompt
from contract.case import Payload
from support.daemon_process import DaemonProcess, daemon_below, wait_until
from support.hook_client import HookClient
from support.repository import repository

AT_MS = 1_795_000_000_000


def read(given: Payload) -> HookEvent:
    reported = HOOKS.read(given.event, given.data, AT_MS)
    assert isinstance(reported, HookEvent)
    return reported


MEANS = {
    "sessionStart": "session_start",
    "userPromptSubmitted": "prompt",
    "postToolUse": "hint",
    "errorOccurred": "hint",
    "agentStop": "turn_end",
    "preCompact": "flush",
    "sessionEnd": "flush",
}


def test_what_each_event_means() -> None:
    given = [*recorded("edits-compact-clear-1.0.102"), *recorded("ask-and-limit-1.0.48")]

    assert {one.event: read(one).action for one in given} == MEANS


def test_why_a_session_starts() -> None:
    reasons = {source: read(payload("sessionStart", source=source)).reason for source in ("new", "resume", "clear")}

    assert reasons == {"new": "startup", "resume": "resume", "clear": "clear"}


def test_a_prompt_is_known_before_the_log_has_it() -> None:
    [event] = read(payload("userPromptSubmitted", prompt=" Fix it. ")).provisional

    assert (event.session, event.at_ms, event.body) == (SESSION, AT_MS, UserPrompt(text="Fix it."))


def test_the_chat_in_vs_code_is_answered_and_its_transcript_is_its_own_affair() -> None:
    reported = read(
        payload("sessionStart", hookEventName="SessionStart", source="new", transcript_path="/srv/elsewhere/chat.jsonl")
    )

    assert (reported.action, reported.transcript) == ("session_start", None)
    assert read(payload("userPromptSubmitted", hookEventName="UserPromptSubmit", prompt="Fix it.")).provisional == ()
    assert read(payload("agentStop", hookEventName="Stop", transcript_path=LOG)).transcript == LOG


def test_an_answer_has_both_forms() -> None:
    said = json.loads(HOOKS.answer("# [CARRYOVER]\n"))

    assert said["additionalContext"] == said["hookSpecificOutput"]["additionalContext"] == "# [CARRYOVER]\n"
    assert said["hookSpecificOutput"]["hookEventName"] == "SessionStart"


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
