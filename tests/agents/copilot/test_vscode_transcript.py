"""The events that the extension in VS Code writes of a chat."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.copilot.chat_cases import EVENTS, called, ended
from agents.copilot.chats import PROJECT, Json, lines_of, uid
from carryover.adapter.contract import Source
from carryover.agents.copilot.adapter import AGENT
from carryover.model import (
    AnyBody,
    AssistantMessage,
    FileEdit,
    PlanItem,
    PlanUpdate,
    SessionInfo,
    SessionStart,
    ToolCall,
    ToolResult,
    UserPrompt,
)
from contract.case import read_on

ANYWHERE = "events.jsonl"
IN_PLACE = f"workspaceStorage/a1/GitHub.copilot-chat/transcripts/{uid('events')}.jsonl"


def bodies(folder: Path, *lines: Json, name: str = IN_PLACE) -> list[AnyBody]:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lines_of(lines))
    reading = read_on(AGENT, Source(agent=AGENT.id, path=str(path), session=uid("events")))
    assert reading.skipped == []
    return [event.body for event in reading.events]


@pytest.mark.parametrize("name", [IN_PLACE, ANYWHERE])
def test_a_turn_is_read_whole(tmp_path: Path, name: str) -> None:
    """Wherever the file is: its first line says who wrote it."""
    path = f"{PROJECT}/src/calc.py"

    assert bodies(tmp_path, *EVENTS, name=name) == [
        SessionInfo(agent_version="0.48.1"),
        SessionStart(reason="new"),
        UserPrompt(text="Fix add() and run the tests."),
        AssistantMessage(text="I will.", final=False),
        ToolCall(call_id="c1", name="replace_string_in_file", op="edit", subject=path),
        ToolResult(call_id="c1", name="replace_string_in_file", op="edit", status="ok", subject=path),
        FileEdit(path=path, change="modify", call_id="c1", added=1, removed=1, anchor="*", diff="@@\n--\n+*"),
        ToolCall(call_id="c2", name="run_in_terminal", op="shell", subject="make test"),
        ToolResult(
            call_id="c2",
            name="run_in_terminal",
            op="shell",
            status="error",
            subject="make test",
            exit_code=2,
            output="1 failed\nCommand exited with code 2",
        ),
        ToolCall(call_id="c3", name="manage_todo_list", op="plan"),
        PlanUpdate(items=(PlanItem(text="Run the tests", state="done"),)),
        ToolResult(call_id="c3", name="manage_todo_list", op="plan", status="ok"),
        AssistantMessage(text="It fails. Shall I go on?", final=True),
    ]


@pytest.mark.parametrize(
    ("name", "arguments", "changes"),
    [
        ("create_file", {"filePath": "/x/a.py", "content": "a\nb\n"}, [("add", "/x/a.py", 2)]),
        ("create_file", {"filePath": "src/a.py", "content": ""}, [("add", f"{PROJECT}/src/a.py", 0)]),
        ("create_directory", {"dirPath": "/x"}, []),
        ("insert_edit_into_file", {"filePath": "/x/a.py", "code": "a"}, [("modify", "/x/a.py", None)]),
        (
            "multi_replace_string_in_file",
            {"replacements": [{"filePath": "/x/a", "oldString": "1", "newString": "2\n3"}, {"filePath": "/x/b"}]},
            [("modify", "/x/a", 2), ("modify", "/x/b", None)],
        ),
        ("apply_patch", {"input": "*** Begin Patch\n*** Delete File: /x/a\n*** End Patch"}, [("delete", "/x/a", None)]),
        ("run_in_terminal", {"command": "rm /x/a"}, []),
        ("replace_string_in_file", {"filePath": f"{PROJECT}/.carryover/handoff.md", "newString": "x"}, []),
        ("read_file", {"filePath": "/x/a.py"}, []),
    ],
)
def test_what_a_call_changed(
    tmp_path: Path, name: str, arguments: Json, changes: list[tuple[str, str, int | None]]
) -> None:
    found = bodies(tmp_path, EVENTS[0], called(1, name, "c", **arguments), ended(2, "c"))

    assert [(b.change, b.path, b.added) for b in found if isinstance(b, FileEdit)] == changes


@pytest.mark.parametrize(
    ("name", "content", "success", "status"),
    [
        ("run_in_terminal", None, True, "unknown"),
        ("run_in_terminal", "ok", True, "unknown"),
        ("run_in_terminal", "command exited with code 0", True, "ok"),
        ("run_in_terminal", "Command exited with code: 1", True, "error"),
        ("run_in_terminal", "no such terminal", False, "error"),
        ("read_file", None, True, "ok"),
        ("create_file", "exists", False, "error"),
    ],
)
def test_how_a_call_ended(tmp_path: Path, name: str, content: str | None, status: str, *, success: bool) -> None:
    found = bodies(
        tmp_path,
        EVENTS[0],
        called(1, name, "c", filePath="/x/a", content="x"),
        ended(2, "c", content, success=success),
    )

    assert [body.status for body in found if isinstance(body, ToolResult)] == [status]
    assert any(isinstance(body, FileEdit) for body in found) == (status == "ok" and name == "create_file")
