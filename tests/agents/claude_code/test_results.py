"""How tool calls ended."""

from __future__ import annotations

from typing import Any

import pytest

from agents.claude_code.session import Session
from carryover.model import PlanProposal, ToolResult, UserPrompt

REJECTED = (
    "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if it was a file edit, the "
    "new_string was NOT written to the file). "
)
BY_USER = {"toolUseResult": "User rejected tool use", "toolDenialKind": "user-rejected"}
STOP = "STOP what you are doing and wait for the user to tell you how to proceed."


def ended(transcript: Session) -> ToolResult:
    """The last result."""
    return next(body for body in reversed(transcript.bodies) if isinstance(body, ToolResult))


def bash(content: object, *, failed: bool | None = None, **fields: object) -> ToolResult:
    transcript = Session()
    transcript.result(transcript.calls("Bash", command="make"), content, failed=failed, **fields)
    return ended(transcript)


@pytest.mark.parametrize(
    ("content", "fields", "status", "never_ran"),
    [
        ("the log says:\nExit code 5\n", {}, "error", False),
        (REJECTED + STOP, {**BY_USER, "toolDenialBeforeRun": True}, "denied", True),
        # Ctrl-C in a running tool: a rejection, but without the flag of one that came before the run (2.1.328).
        (REJECTED + STOP, BY_USER, "interrupted", False),
        # 2.1.14 tells a refused call from a stopped one in no way.
        (REJECTED + STOP, {"toolUseResult": f"Error: {REJECTED}{STOP}"}, "denied", True),
        ("Auto mode blocks this", {"toolDenialKind": "automode-parsing-error"}, "denied", True),
        ("[Request interrupted by user for tool use]", {}, "interrupted", False),
        # Only the client's own line says that words follow.
        (f"{REJECTED}{STOP}\nOn 3 May the user said: later", {}, "denied", True),
    ],
)
def test_a_call_that_failed_says_how(content: str, fields: dict[str, Any], status: str, never_ran: bool) -> None:
    result = bash(content, failed=True, **fields)

    assert (result.status, result.exit_code, result.never_ran) == (status, None, never_ran)
    assert (result.output, result.user_words) == (content, "")


@pytest.mark.parametrize(
    ("content", "status", "exit_code", "never_ran", "output"),
    [
        ("Exit code 2\nmake: *** no rule", "error", 2, False, "make: *** no rule"),
        ("Exit code 1", "error", 1, False, ""),
        ("<tool_use_error>No match.\nString: x</tool_use_error>", "error", None, True, "No match.\nString: x"),
    ],
)
def test_what_the_client_puts_around_an_output_is_taken_off(
    content: str, status: str, exit_code: int | None, never_ran: bool, output: str
) -> None:
    result = bash(content, failed=True)

    assert (result.status, result.exit_code, result.never_ran) == (status, exit_code, never_ran)
    assert result.output == output


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
    assert transcript.bodies[-1] == UserPrompt(text=words)


def test_a_plan_the_user_did_not_accept_is_ruled_on() -> None:
    """2.1.14: the user stays in plan mode."""
    transcript = Session()
    call = transcript.calls("ExitPlanMode", plan="# Plan")
    transcript.result(call, "User chose to stay in plan mode and continue planning", failed=True)

    assert transcript.bodies[-2:] == [
        ToolResult(
            call_id=call,
            name="ExitPlanMode",
            op="plan",
            status="denied",
            output="User chose to stay in plan mode and continue planning",
            never_ran=True,
        ),
        PlanProposal(call_id=call, text="", accepted=False),
    ]


@pytest.mark.parametrize(
    ("name", "tool_input"),
    [
        ("Read", {"file_path": "/home/dev/shop/.carryover/handoff.md"}),
        ("Bash", {"command": "cat .carryover/handoff.md"}),
        ("Bash", {"command": "ls -a .carryover"}),
        ("Grep", {"pattern": "Task", "path": "/home/dev/shop/.carryover"}),
    ],
)
def test_what_is_read_of_the_handoff_does_not_come_back(name: str, tool_input: dict[str, Any]) -> None:
    transcript = Session()
    transcript.runs(name, "## Next action\nWrite discount()", **tool_input)

    assert (ended(transcript).status, ended(transcript).output) == ("ok", "")
