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


STOP = "STOP what you are doing and wait for the user to tell you how to proceed."
WHOLE = (
    "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if it was a file edit, the "
    f"new_string was NOT written to the file). {STOP}"
)


@pytest.mark.parametrize(
    ("tool", "text"),
    [
        ("WebSearch", WHOLE),
        ("mcp__notes__list", WHOLE),
        ("Task", f"The user doesn't want to take this action right now. {STOP}"),
    ],
)
def test_the_order_in_a_refusal_that_anything_can_word_is_not_handed_on(tool: str, text: str) -> None:
    """A refused search of the web (2.0.28), or a sub-agent (2.0.74), is no failure that says to stop and wait."""
    transcript = Session()
    call = transcript.calls(tool, query="pear prices")
    transcript.result(call, text, failed=True, version="2.0.28", toolUseResult=f"Error: {text}")

    [result] = transcript.all(model.ToolResult)
    assert (result.status, result.output) == ("error", "refused")


@pytest.mark.parametrize(("printed", "output"), [("", ""), ("12 migrated\n", "12 migrated")])
def test_a_command_that_the_user_killed_is_interrupted(printed: str, output: str) -> None:
    """Nothing else says so in 2.1.119."""
    transcript = Session()
    said = f"Exit code 137\n{printed}[Request interrupted by user for tool use]"
    transcript.result(transcript.calls("Bash", command="migrate"), said, failed=True)

    [result] = transcript.all(model.ToolResult)
    assert (result.status, result.output) == ("interrupted", output)


def test_an_edit_whose_failure_is_written_before_it_never_ran() -> None:
    """The file was not read (2.1.119)."""
    transcript = Session()
    transcript.result("toolu_1", "<tool_use_error>File has not been read yet.</tool_use_error>", failed=True)
    transcript.calls("Write", file_path="/home/dev/shop/cart.py", content="a")

    result = transcript.all(model.ToolResult)[-1]
    assert (result.name, result.status, result.never_ran) == ("Write", "error", True)
