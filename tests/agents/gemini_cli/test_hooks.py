"""What the payloads of hooks say."""

from __future__ import annotations

import json

from carryover.agents.gemini_cli.adapter import AGENT


def test_an_answer_is_json_since_plain_text_would_be_shown_to_the_user() -> None:
    assert AGENT.hooks is not None
    said = json.loads(AGENT.hooks.answer("# Handoff\nwords ✓ \ud83d"))["hookSpecificOutput"]

    assert said == {"hookEventName": "SessionStart", "additionalContext": "\n\n# Handoff\nwords ✓ ?"}
