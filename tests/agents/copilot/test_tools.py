"""Tool calls and their results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agents.copilot.reading import begun, of, read
from agents.copilot.session import CopilotSession
from carryover.model import (
    Answer,
    BackgroundTask,
    FileEdit,
    PlanProposal,
    Question,
    ToolCall,
    ToolResult,
    UserPrompt,
)


@pytest.fixture
def session(tmp_path: Path) -> CopilotSession:
    return begun(tmp_path)


def result_of(session: CopilotSession) -> ToolResult:
    [result] = of(read(session).events, ToolResult)
    return result


@pytest.mark.parametrize(
    ("read_back", "printed"),
    [
        ("late\n<shellId: s1 completed with exit code 1>", "late"),
        ("late\n<command with id: s1 exited with exit code 1>", "late"),
    ],
)
def test_a_command_in_the_background_ends_when_it_is_read(
    session: CopilotSession, read_back: str, printed: str
) -> None:
    session.call("c1", "bash", command="make test", mode="async", shellId="s1")
    session.done("c1", "<command started in background with shellId: s1>")
    session.call("c2", "read_bash", shellId="s1", delay=4)
    session.done("c2", read_back)

    events = read(session).events
    results = {result.call_id: result for result in of(events, ToolResult)}

    assert (results["c1"].status, results["c1"].exit_code, results["c1"].output) == ("error", 1, printed)
    assert (results["c2"].status, results["c2"].output) == ("ok", "")
    assert [(task.task_id, task.state) for task in of(events, BackgroundTask)] == [("c1", "running"), ("c1", "done")]


def test_a_command_in_the_background_that_ends_well_is_reported_by_the_client(tmp_path: Path) -> None:
    session = CopilotSession(tmp_path / ".copilot", Path("/home/dev/shop"))
    session.prompt("Wait a minute.")
    session.call("c1", "bash", command="sleep 60 > log.txt")
    session.done("c1", "<command with shellId: 0 is still running after 30 seconds. Use read_bash to wait.>")
    session.record("system.notification", content="", kind={"type": "shell_completed", "shellId": "0", "exitCode": 0})

    events = read(session).events

    assert [(result.status, result.exit_code) for result in of(events, ToolResult)] == [("ok", 0)]
    assert [edit.path for edit in of(events, FileEdit)] == ["/home/dev/shop/log.txt"]


def test_an_edit_without_a_diff_is_known_by_its_arguments(session: CopilotSession) -> None:
    session.call("c1", "edit", path="prices.py", old_str="PEAR = 1", new_str="PEAR = 2")
    session.done("c1", "File updated with changes.")
    session.call("c2", "create", path=f"{session.cwd}/new.py", file_text="x = 1\ny = 2\n")
    session.done("c2", "Created file")

    edits = [(edit.path, edit.change, edit.added, edit.anchor) for edit in of(read(session).events, FileEdit)]

    assert edits == [
        (f"{session.cwd}/prices.py", "modify", 1, "PEAR = 2"),
        (f"{session.cwd}/new.py", "add", 2, "x = 1"),
    ]


@pytest.mark.parametrize(
    "message", ["Tool 'apply_patch' does not exist.", "Unterminated string in JSON at position 121 (line 1 column 122)"]
)
def test_a_call_that_cannot_be_made_says_nothing_of_the_approach(session: CopilotSession, message: str) -> None:
    session.call("c1", "apply_patch", input="x")
    session.failed("c1", message)

    assert result_of(session).never_ran


def test_a_refusal_and_the_words_with_it(session: CopilotSession) -> None:
    session.call("c1", "bash", command="touch z")
    decision = {"kind": "denied-interactively-by-user", "feedback": "use a temp file"}
    session.record("permission.completed", toolCallId="c1", result=decision)
    session.failed("c1", "The user rejected this tool call. User feedback: use a temp file", "denied")

    events = read(session).events

    [result] = of(events, ToolResult)
    assert (result.status, result.never_ran, result.user_words) == ("denied", True, "use a temp file")
    assert of(events, UserPrompt)[-1].text == "use a temp file"


def test_a_command_of_the_users_own(session: CopilotSession) -> None:
    session.record("tool.user_requested", toolCallId="u1", toolName="local_shell", arguments={"command": "echo mine"})
    session.done("u1", "mine", shellExecution={"exitCode": 0}, isUserRequested=True)

    events = read(session).events

    assert [(call.actor, call.op, call.subject) for call in of(events, ToolCall)] == [("human", "shell", "echo mine")]
    assert [(result.actor, result.output) for result in of(events, ToolResult)] == [("human", "mine")]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"question": "Cents or euros?", "choices": ["Cents", "Euros"]}, "User selected: Cents"),
        (
            {
                "message": "Cents or euros?",
                "requestedSchema": {"properties": {"unit": {"type": "string", "enum": ["Cents", "Euros"]}}},
            },
            "User responded: Cents",
        ),
    ],
    ids=["1.0.48", "1.0.102"],
)
def test_a_question_and_its_answer(session: CopilotSession, arguments: dict[str, Any], said: str) -> None:
    session.call("c1", "ask_user", **arguments)
    session.done("c1", said)

    events = read(session).events

    assert of(events, Question) == [Question(call_id="c1", text="Cents or euros?", options=("Cents", "Euros"))]
    assert of(events, Answer) == [Answer(call_id="c1", question="Cents or euros?", text="Cents")]


def test_a_plan_that_was_put_before_the_user(session: CopilotSession) -> None:
    session.call("c1", "exit_plan_mode", summary="First the cart, then checkout.")
    session.done("c1", "Plan approved.")
    session.call("c2", "exit_plan_mode", summary="Rewrite it all.")
    session.failed("c2", "The user did not approve.", "rejected")

    plans = [(plan.text, plan.accepted) for plan in of(read(session).events, PlanProposal)]

    assert plans == [("First the cart, then checkout.", None), ("", True), ("Rewrite it all.", None), ("", False)]


def test_a_look_at_our_own_file_repeats_nothing_of_it(session: CopilotSession) -> None:
    session.call("c1", "view", path=f"{session.cwd}/.carryover/handoff.md")
    session.done("c1", "# [CARRYOVER] Last updated 2026-11-20")

    assert result_of(session).output == ""
