"""What the payloads of hooks say."""

from __future__ import annotations

import json

from agents.gemini_cli.hook_payloads import SESSION, TRANSCRIPT, recorded
from carryover.adapter.contract import HookEvent
from carryover.agents.gemini_cli.hooks import HOOKS
from carryover.model import Skipped
from contract.case import Payload

NOW_MS = 1_795_000_000_000


def read(one: Payload) -> HookEvent | Skipped:
    return HOOKS.read(one.event, one.data, NOW_MS)


def test_the_hooks_of_a_recorded_session() -> None:
    """SessionEnd comes three times for one `/quit`, and says the same each time (0.61.0)."""
    events = [payload for payload in recorded("interactive-0.61.0") if payload.event in HOOKS.events]
    events = [payload for payload in events if payload.event != "BeforeAgent"]
    reported = [reported for payload in events if isinstance(reported := read(payload), HookEvent)]

    assert [(one.action, one.reason) for one in reported[:7]] == [
        ("session_start", "startup"),
        ("turn_end", None),
        ("turn_end", None),
        ("turn_end", None),
        ("flush", None),
        ("flush", None),
        ("flush", None),
    ]
    assert {one.session for one in reported[:7]} == {SESSION}
    assert {one.transcript for one in reported[:7]} == {TRANSCRIPT}
    assert {one.cwd for one in reported} == {"/home/dev/shop"}


def test_an_answer_is_json_since_plain_text_would_be_shown_to_the_user() -> None:
    said = json.loads(HOOKS.answer("# Handoff\nwords ✓ \ud83d"))["hookSpecificOutput"]

    assert said == {"hookEventName": "SessionStart", "additionalContext": "\n\n# Handoff\nwords ✓ ?"}
