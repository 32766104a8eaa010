"""What the payloads of hooks say."""

from __future__ import annotations

import json

from carryover.adapter.contract import HookEvent
from carryover.agents.gemini_cli.hooks import HOOKS
from carryover.model import Skipped
from contract.case import Payload

NOW_MS = 1_795_000_000_000


def read(one: Payload) -> HookEvent | Skipped:
    return HOOKS.read(one.event, one.data, NOW_MS)


def test_an_answer_is_json_since_plain_text_would_be_shown_to_the_user() -> None:
    said = json.loads(HOOKS.answer("# Handoff\nwords ✓ \ud83d"))["hookSpecificOutput"]

    assert said == {"hookEventName": "SessionStart", "additionalContext": "\n\n# Handoff\nwords ✓ ?"}
