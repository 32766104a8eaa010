"""What hooks say, and how their answers reach a session."""

from __future__ import annotations

import json

from agents.copilot.contract_case import LOG, payload, recorded
from carryover.adapter.contract import HookEvent
from carryover.agents.copilot.adapter import HOOKS
from contract.case import Payload


def read(given: Payload) -> HookEvent:
    reported = HOOKS.read(given.event, given.data)
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


def test_the_chat_in_vs_code_is_answered_and_its_transcript_is_its_own_affair() -> None:
    reported = read(
        payload("sessionStart", hookEventName="SessionStart", source="new", transcript_path="/srv/elsewhere/chat.jsonl")
    )

    assert (reported.action, reported.transcript) == ("session_start", None)
    assert read(payload("agentStop", hookEventName="Stop", transcript_path=LOG)).transcript == LOG


def test_an_answer_has_both_forms() -> None:
    said = json.loads(HOOKS.answer("# [CARRYOVER]\n"))

    assert said["additionalContext"] == said["hookSpecificOutput"]["additionalContext"] == "# [CARRYOVER]\n"
    assert said["hookSpecificOutput"]["hookEventName"] == "SessionStart"
