"""Texts that another program copied out of a rollout."""

from __future__ import annotations

import pytest

from carryover.adapter.contract import ToolOutcome
from carryover.agents.codex.adapter import AGENT
from carryover.model import UserPrompt

assert AGENT.quoted is not None
QUOTED = AGENT.quoted


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Add a discount", "Add a discount"),
        ("# Context from my IDE setup:\n\n## My request for Codex:\nAdd a discount", "Add a discount"),
        ("<environment_context>\n  <cwd>/x</cwd>\n</environment_context>", None),
        ("<user_instructions>\nUse tabs.\n</user_instructions>", None),
    ],
)
def test_only_what_the_user_typed_is_a_prompt(text: str, words: str | None) -> None:
    assert QUOTED.prompt(text, "") == (() if words is None else (UserPrompt(text=words),))


def test_an_output_says_how_the_call_ended() -> None:
    text = (
        "Chunk ID: e1\nWall time: 0.1 seconds\nProcess exited with code 1\nOriginal token count: 1\nOutput:\n1 failed"
    )

    assert QUOTED.outcome("shell", text) == ToolOutcome("error", "1 failed", 1)
