"""How tool calls ended, and what they did."""

from __future__ import annotations

from typing import Any

import pytest

from agents.gemini_cli.lines import FOLDER, Lines, call
from carryover import model

SHOWN = {
    "fileDiff": "--- a\n+++ b\n@@ -1,2 +1,2 @@\n APPLE = 2\n-PEAR = 1\n+PEAR = 2\n",
    "filePath": f"{FOLDER}/prices.py",
    "isNewFile": False,
}


def parsed(*calls: dict[str, Any], text: str = "") -> Lines:
    lines = Lines()
    lines.place()
    lines.gemini(text, *calls)
    assert lines.skipped == []
    return lines


def result(one: dict[str, Any]) -> model.ToolResult:
    [ended] = parsed(one).all(model.ToolResult)
    return ended


def shell(output: str, **fields: Any) -> model.ToolResult:
    return result(call("run_shell_command", {"command": "make test"}, output, **fields))


@pytest.mark.parametrize(
    ("output", "status", "exit_code", "printed"),
    [
        ("<untrusted_context>\nOutput: ok\nProcess Group PGID: 7\n</untrusted_context>", "ok", 0, "ok"),
        ("<untrusted_context>\nOutput: (empty)\nProcess Group PGID: 7\n</untrusted_context>", "ok", 0, ""),
        ("Output: 1 failed\n\nExit Code: 2\nProcess Group PGID: 7", "error", 2, "1 failed\n"),
        ("Output: gone\nSignal: 9\nProcess Group PGID: 7", "error", None, "gone"),
        ("Output: (empty)\nError: spawn ENOENT\nProcess Group PGID: 7", "error", None, "spawn ENOENT"),
        (
            "Command: make test\nDirectory: (root)\nOutput: ok\nError: (none)\nExit Code: 0\nSignal: (none)\n"
            "Background PIDs: (none)\nProcess Group PGID: 7",
            "ok",
            0,
            "ok",
        ),
        (
            "Command: make test\nDirectory: sub\nOutput: a\nExit Code: 3 is printed\nError: (none)\nExit Code: 1\n"
            "Signal: 0\nBackground PIDs: (none)\nProcess Group PGID: 7",
            "error",
            1,
            "a\nExit Code: 3 is printed",
        ),
        ("Command was cancelled by user before it could complete. There was no output.", "interrupted", None, None),
        ("Command was automatically cancelled because it exceeded the timeout of 5.0 minutes", "error", None, None),
        ("Command moved to background (PID: 7). Output hidden.", "ok", None, None),
        ("words of another version", "unknown", None, "words of another version"),
    ],
)
def test_a_shell_command_ends_as_its_output_says(
    output: str, status: str, exit_code: int | None, printed: str | None
) -> None:
    """The client calls each a success (0.26.0, 0.44.0, 0.61.0)."""
    ended = shell(output)

    assert (ended.status, ended.exit_code) == (status, exit_code)
    assert printed is None or ended.output == printed


def test_an_edit_is_described_by_what_the_user_saw_of_it() -> None:
    lines = parsed(call("replace", {"file_path": "prices.py"}, "Successfully modified", resultDisplay=SHOWN))
    added = parsed(call("write_file", {"file_path": "a.py"}, "ok", resultDisplay={**SHOWN, "isNewFile": True}))

    edit = model.FileEdit(
        path=f"{FOLDER}/prices.py",
        change="modify",
        call_id="c1",
        added=1,
        removed=1,
        line=2,
        anchor="PEAR = 2",
        diff="@@ +1 @@\n APPLE = 2\n-PEAR = 1\n+PEAR = 2",
    )
    assert lines.all(model.FileEdit) == [edit]
    assert [edit.change for edit in added.all(model.FileEdit)] == ["add"]


@pytest.mark.parametrize(
    ("text", "status", "ended", "never_ran"),
    [
        ("[Operation Cancelled] Reason: User denied execution.", "cancelled", "denied", True),
        ("[Operation Cancelled] Reason: User cancelled operation", "cancelled", "interrupted", False),
        ("params must have required property 'command'", "error", "error", True),
        ('Tool "x" not found in registry.', "error", "error", True),
    ],
)
def test_a_call_that_was_denied_or_refused_never_ran(text: str, status: str, ended: str, never_ran: bool) -> None:
    found = result(call("write_file", {"file_path": "a.py"}, text, status=status))

    assert (found.status, found.never_ran) == (ended, never_ran)


def test_a_tool_of_a_server_may_say_that_it_failed() -> None:
    ended = result(call("get_tree", {"depth": 1}, '{"status": "error", "error": "429: Rate limit exceeded"}'))

    assert (ended.status, ended.output, ended.subject) == ("error", "429: Rate limit exceeded", "get_tree")


def test_a_call_that_has_not_ended_is_open_until_it_has() -> None:
    lines = Lines()
    lines.gemini("I look.", call("glob", {"pattern": "*"}, status="executing"), ident="g1")
    assert (len(lines.all(model.ToolCall)), lines.all(model.ToolResult)) == (1, [])

    lines.gemini("I look.", call("glob", {"pattern": "*"}, "a.py"), ident="g1")
    lines.gemini("I look.", call("glob", {"pattern": "*"}, "a.py"), ident="g1")
    assert (
        len(lines.all(model.ToolCall)),
        len(lines.all(model.ToolResult)),
        len(lines.all(model.AssistantMessage)),
    ) == (1, 1, 1)


@pytest.mark.parametrize(
    ("said", "status", "answers"),
    [
        ('{"answers": {"0": "Pear"}}', "ok", ["Pear"]),
        ("User dismissed ask_user dialog without answering.", "denied", []),
    ],
)
def test_a_question_and_its_answer(said: str, status: str, answers: list[str]) -> None:
    asked = {"questions": [{"question": "Which one?", "header": "Fruit", "options": [{"label": "Pear"}]}]}
    lines = parsed(call("ask_user", asked, said))

    assert lines.all(model.Question) == [model.Question(call_id="c1", text="Which one?", options=("Pear",))]
    assert [(one.question, one.text) for one in lines.all(model.Answer)] == [("Which one?", text) for text in answers]
    assert [ended.status for ended in lines.all(model.ToolResult)] == [status]


def test_a_plan_is_accepted_or_what_the_user_said_of_it_is_a_prompt() -> None:
    text = "Plan rejected. User feedback: Without floats.\n\nThe plan is stored at: /tmp/p.md\nRevise the plan."
    accepted = parsed(call("exit_plan_mode", {}, "Plan approved. Switching to Default mode."))
    rejected = parsed(call("exit_plan_mode", {}, text))

    plans = [plan for lines in (accepted, rejected) for plan in lines.all(model.PlanProposal)]
    assert plans == [model.PlanProposal(call_id="c1", text="", accepted=answer) for answer in (True, False)]
    assert [prompt.text for prompt in rejected.all(model.UserPrompt)] == ["Without floats."]
    assert [result.user_words for result in rejected.all(model.ToolResult)] == ["Without floats."]
