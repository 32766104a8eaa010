"""Claude Code's extension, app and SDK write to the same store: nothing but `entrypoint` tells them apart."""

from __future__ import annotations

import pytest

from agents.claude_code.session import Session
from carryover.model import AssistantMessage, UserPrompt


@pytest.mark.parametrize(
    "entrypoint", ["cli", "sdk-cli", "claude-vscode", "claude-desktop", "sdk-ts", "sdk-py", "new-one"]
)
def test_a_session_of_any_of_them_is_read(entrypoint: str) -> None:
    session = Session()
    session.record("user", entrypoint=entrypoint, message={"role": "user", "content": "Add a discount"})
    answer = {
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": "Done."}],
        "stop_reason": "end_turn",
    }
    session.record("assistant", entrypoint=entrypoint, message=answer)

    assert session.bodies == [UserPrompt(text="Add a discount"), AssistantMessage(text="Done.", final=True)]
    assert session.skipped == []
