"""Calls that the user turned down or stopped, by their text alone."""

from __future__ import annotations

import pytest

from agents.claude_code.session import Session
from carryover import model


@pytest.mark.parametrize(
    ("tool", "text", "status"),
    [
        ("Write", "User cancelled the write", "denied"),
        ("Edit", "User cancelled the edit", "denied"),
        ("Write", "Interrupted by user", "interrupted"),
        ("Bash", "Interrupted by user", "interrupted"),
        ("mcp__notes__list", "Interrupted by user", "error"),
    ],
)
def test_a_call_that_the_user_turned_down_or_stopped_did_not_fail(tool: str, text: str, status: str) -> None:
    """The user closes a diff in the editor (2.1.129), or stops a message (2.1.123)."""
    transcript = Session()
    call = transcript.calls(tool, plan="# Plan", file_path="/a", command="make")
    transcript.result(call, text, failed=True, version="2.1.129")

    [result] = transcript.all(model.ToolResult)
    assert (result.status, result.never_ran) == (status, status == "denied")
