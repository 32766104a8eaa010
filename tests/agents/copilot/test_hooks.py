"""Which hooks are written for which version, what they say, and how their answers reach a session."""

from __future__ import annotations

import json

import pytest
from packaging.version import Version

from agents.copilot.hook_payloads import LOG, SESSION, payload, recorded
from carryover.adapter.contract import HookEvent
from carryover.agents.copilot.adapter import HOOKS
from carryover.agents.copilot.spec import SPEC
from carryover.install.detect import hooks_for, version_in
from carryover.model import UserPrompt
from contract.case import Payload

AT_MS = 1_795_000_000_000


def read(given: Payload) -> HookEvent:
    reported = HOOKS.read(given.event, given.data, AT_MS)
    assert isinstance(reported, HookEvent)
    return reported


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "edits-compact-clear-1.0.102",
            {"sessionStart": "session_start", "userPromptSubmitted": "prompt", "postToolUse": "hint"}
            | {"agentStop": "turn_end", "preCompact": "flush", "sessionEnd": "flush"},
        ),
        (
            "ask-and-limit-1.0.48",
            {"sessionStart": "session_start", "userPromptSubmitted": "prompt", "agentStop": "turn_end"}
            | {"errorOccurred": "hint", "sessionEnd": "flush"},
        ),
    ],
)
def test_what_each_event_means(name: str, expected: dict[str, str]) -> None:
    assert {given.event: read(given).action for given in recorded(name)} == expected


@pytest.mark.parametrize(("source", "reason"), [("new", "startup"), ("resume", "resume"), ("clear", "clear")])
def test_why_a_session_starts(source: str, reason: str) -> None:
    assert read(payload("sessionStart", source=source)).reason == reason


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


@pytest.mark.parametrize(
    ("version", "state"),
    [
        ("0.0.422", "older"),
        ("1.0.21", "older"),
        ("1.0.22", "ok"),
        ("1.0.102", "ok"),
        ("2.0.0", "newer"),
    ],
)
def test_hooks_are_written_for_versions_that_take_in_their_text_once(version: str, state: str) -> None:
    found, hook_set = hooks_for(SPEC, Version(version))

    assert found == state
    assert (hook_set is None) == (state == "older")


@pytest.mark.parametrize(("version", "asked"), [("1.0.64", False), ("1.0.65", True)])
def test_the_hook_of_a_prompt_is_written_where_its_text_arrives(version: str, *, asked: bool) -> None:
    hook_set = hooks_for(SPEC, Version(version))[1]

    assert hook_set is not None
    assert ("userPromptSubmitted" in hook_set.events) is asked


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("GitHub Copilot CLI 1.0.102.\nRun 'copilot update' to check for updates.\n", "1.0.102"),
        ("GitHub Copilot CLI 1.0.48.\n", "1.0.48"),
        ("1.0.102\n", "1.0.102"),
        ("GitHub Copilot CLI 1.0.102.7\n", None),
        ("copilot: 1.0.102\n", None),
    ],
)
def test_the_version_is_found_in_what_the_command_says(said: str, version: str | None) -> None:
    assert SPEC.version is not None
    assert version_in(said, SPEC.version).text == (version or "")
