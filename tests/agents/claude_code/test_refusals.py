"""Calls that the user turned down or stopped, and what was typed then."""

from __future__ import annotations

import pytest

from agents.claude_code.session import Session
from agents.claude_code.test_calls import REJECTED, ended
from carryover import model


@pytest.mark.parametrize(
    ("tool", "text", "status"),
    [
        ("Write", "User cancelled the write", "denied"),
        ("Edit", "User cancelled the edit", "denied"),
        ("Write", "Interrupted by user", "interrupted"),
        ("Bash", "Interrupted by user", "interrupted"),
        ("mcp__notes__list", "Interrupted by user", "error"),
        ("ExitPlanMode", "You are not in plan mode.", "error"),
    ],
)
def test_a_call_that_the_user_turned_down_or_stopped_did_not_fail(tool: str, text: str, status: str) -> None:
    """The user closes a diff in the editor (2.1.129), or stops a message (2.1.123)."""
    transcript = Session()
    call = transcript.calls(tool, plan="# Plan", file_path="/a", command="make")
    transcript.result(call, text, failed=True, version="2.1.129")

    [result] = transcript.all(model.ToolResult)
    assert (result.status, result.never_ran) == (status, status == "denied")
    assert [plan for plan in transcript.all(model.PlanProposal) if plan.accepted is False] == []


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


NOTE = "\n\nNote: The user's next message may contain a correction or preference."
DENIED = "Permission for this tool use was denied. The tool use was rejected (eg. if it was a file edit). "


@pytest.mark.parametrize(
    ("wording", "words"),
    [
        (f"{REJECTED}To tell you how to proceed, the user said:\nUse 200 epochs{NOTE}", "Use 200 epochs"),
        (f"{REJECTED}To tell you how to proceed, the user said: Use\n\n200 epochs", "Use\n\n200 epochs"),
        (f"{REJECTED}The user provided the following reason for the rejection:  Not that file.", "Not that file."),
        (f"{DENIED}The user said:\nuse make", "use make"),
    ],
)
def test_what_the_user_wrote_while_refusing_is_a_prompt(wording: str, words: str) -> None:
    """All wordings read about, in no recording; the note behind is the client's."""
    transcript = Session()
    call = transcript.calls("Bash", command="train --epochs 100")
    transcript.result(call, wording, failed=True, toolDenialKind="user-rejected")

    assert (ended(transcript).status, ended(transcript).user_words) == ("denied", words)
    assert transcript.bodies[-1] == model.UserPrompt(text=words)


OUTSIDE = "The user did not allow this read outside the working directories"


@pytest.mark.parametrize(
    ("text", "typed", "words"),
    [
        (
            f"{REJECTED}To tell you how to proceed, the user said:\nAsk Ann.\n\nThe shell was kept.",
            "Ask Ann.",
            "Ask Ann.",
        ),
        (f"{OUTSIDE}: Ask Ann.", "Ask Ann.", "Ask Ann."),
        (f"{REJECTED}To tell you how to proceed, the user said:\nDenied via channel chat", None, ""),
        (f"{REJECTED}To tell you how to proceed, the user said:\nPlan being refined via Ultraplan — wait.", None, ""),
    ],
)
def test_what_the_user_typed_at_a_refusal_is_what_its_record_says(text: str, typed: str | None, words: str) -> None:
    """As the source of 2.1.328 and 2.1.332 writes it: `userFeedback` has the words alone. The last is of 2.1.111."""
    transcript = Session()
    transcript.result(
        transcript.calls("Read", file_path="/a"), text, failed=True, toolDenialKind="user-rejected", userFeedback=typed
    )

    assert (ended(transcript).status, ended(transcript).user_words) == ("denied", words)
    assert [prompt.text for prompt in transcript.all(model.UserPrompt)] == ([words] if words else [])


def test_what_the_user_typed_on_allowing_a_call_is_a_prompt() -> None:
    """As the source of 2.1.111 and 2.1.332 writes it: behind the result, in its record."""
    transcript = Session()
    result = {"type": "tool_result", "tool_use_id": transcript.calls("Bash", command="make"), "content": "done"}
    transcript.user([result, {"type": "text", "text": "And then the tests"}])

    assert [prompt.text for prompt in transcript.all(model.UserPrompt)] == ["And then the tests"]
    assert ended(transcript).status == "ok"
