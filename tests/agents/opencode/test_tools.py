"""Tool calls: what they are about, how they ended, what they changed."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from carryover.adapter.contract import ToolOutcome
from carryover.agents.opencode.tools import Called, answer_events, called, changes_of, outcome_of
from carryover.records.lenient import Fields

CWD = "/home/dev/shop"


def call(tool: str, given: dict[str, Any], status: str = "completed", **state: Any) -> Called:
    data = {"type": "tool", "tool": tool, "callID": "c", "state": {"status": status, "input": given, **state}}
    found = called("prt_1", msgspec.json.decode(json.dumps(data), type=Fields), CWD, "model")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("tool", "given", "op", "subject"),
    [
        ("bash", {"command": "make test", "description": "Test"}, "shell", "make test"),
        ("read", {"filePath": "/a.py"}, "read", "/a.py"),
        ("grep", {"pattern": "total", "path": "/a"}, "search", "total"),
        ("webfetch", {"url": "https://example.com"}, "web", "https://example.com"),
        ("task", {"description": "Find callers", "prompt": "Find them"}, "agent", "Find callers"),
        ("question", {"questions": [{"question": "Red?"}]}, "ask", "Red?"),
        ("skill", {"name": "commit"}, "other", "commit"),
        ("invalid", {"tool": "reed", "error": "no such tool"}, "other", "reed"),
        ("apply_patch", {"patchText": "*** Begin Patch\n*** Delete File: a.py\n*** End Patch"}, "edit", f"{CWD}/a.py"),
        ("github_list_issues", {"query": "bug"}, "other", "bug"),
    ],
)
def test_what_a_call_does_and_is_about(tool: str, given: dict[str, Any], op: str, subject: str) -> None:
    found = call(tool, given).call

    assert (found.op, found.subject) == (op, subject)


def test_what_the_user_wrote_while_refusing() -> None:
    refusal = "The user rejected permission to use this specific tool call with the following feedback: Not that file."
    outcome = outcome_of(call("edit", {}, "error", error=refusal))

    assert outcome == ToolOutcome("denied", refusal, user_words="Not that file.")


@pytest.mark.parametrize(
    ("found", "status", "exit_code"),
    [
        (call("bash", {}, output="x", metadata={"exit": 0}), "ok", 0),
        (call("bash", {}, output="x", metadata={"exit": 2}), "error", 2),
        (call("bash", {}, output="x", metadata={"exit": None}), "unknown", None),
        (call("bash", {}, output="<metadata>User aborted the command</metadata>"), "interrupted", None),
        (call("read", {}, output="x"), "ok", None),
        (call("edit", {}, "error", error="Could not find oldString in the file."), "error", None),
        (
            call("edit", {}, "error", error="The user rejected permission to use this specific tool call."),
            "denied",
            None,
        ),
        (call("task", {}, "error", error="Tool execution aborted"), "interrupted", None),
        (call("bash", {}, "running"), None, None),
    ],
)
def test_how_a_call_ended(found: Called, status: str | None, exit_code: int | None) -> None:
    outcome = outcome_of(found)

    assert (outcome and outcome.status, outcome and outcome.exit_code) == (status, exit_code)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (call("edit", {"filePath": "/n.py", "oldString": "", "newString": "x"}), [("/n.py", "add")]),
        (call("write", {"filePath": "/n.py", "content": "x"}, metadata={"exists": False}), [("/n.py", "add")]),
        (call("write", {"filePath": "/n.py", "content": "x"}, metadata={"exists": True}), [("/n.py", "modify")]),
        (
            call("bash", {"command": "echo x > n.txt", "workdir": "/home/dev/other"}),
            [("/home/dev/other/n.txt", "modify")],
        ),
        (
            call(
                "apply_patch",
                {},
                metadata={"files": [{"filePath": "/a", "type": "delete"}, {"filePath": "/b", "type": "add"}]},
            ),
            [("/a", "delete"), ("/b", "add")],
        ),
        (
            call("apply_patch", {"patchText": "*** Begin Patch\n*** Add File: c.py\n+x\n*** End Patch"}),
            [(f"{CWD}/c.py", "add")],
        ),
        (call("read", {"filePath": "/a.py"}), []),
    ],
)
def test_what_a_call_changed(found: Called, expected: list[tuple[str, str]]) -> None:
    assert [(change.path, change.change) for change in changes_of(found)] == expected


def test_answers_belong_to_their_questions() -> None:
    given = {"questions": [{"question": "Red?"}, {"question": "Which?"}, {"question": "Why?"}]}
    found = call("question", given, metadata={"answers": [["Yes"], ["a", "b"], []]})

    assert [(answer.question, answer.text) for answer in answer_events(found)] == [("Red?", "Yes"), ("Which?", "a, b")]
