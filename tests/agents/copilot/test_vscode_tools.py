"""What the tool calls, edits and questions of a chat in VS Code become."""

from __future__ import annotations

import pytest

from agents.copilot.chat_reading import answered, events
from agents.copilot.chats import (
    PROJECT,
    Json,
    Window,
    edit_call,
    edits,
    markdown,
    request,
    shell,
    tool,
    uri,
)
from carryover.model import (
    Answer,
    FileEdit,
    Question,
    ToolCall,
    ToolResult,
)

PICTURE = {"output": [{"isText": False, "value": "QUJD"}], "isError": True}
PRINTED = {"input": "{}", "output": [{"type": "text", "value": "a"}, {"value": "b"}]}


@pytest.mark.parametrize(
    ("part", "status", "code", "output"),
    [
        (shell("make", "c", "ok\n", 0), "ok", 0, "ok\n"),
        (shell("make", "c", "\x1b[31mno\x1b[0m\n", 2), "error", 2, "no\n"),
        (shell("make", "c", "who knows"), "unknown", None, "who knows"),
        (shell("make", "c"), "unknown", None, ""),
        (shell("make", "c", isConfirmed={"type": 0}), "denied", None, ""),
        (shell("make", "c", isConfirmed={"type": 5}), "denied", None, ""),
        (tool("x", "c", resultError="bad"), "error", None, "bad"),
        (tool("x", "c", resultError=True), "error", None, ""),
        (tool("x", "c", resultDetails=PRINTED), "ok", None, "a\nb"),
        (tool("x", "c", resultDetails=PICTURE), "error", None, ""),
        (tool("x", "c", resultDetails=[uri("/x")]), "ok", None, ""),
        (tool("x", "c", data={"kind": "simpleToolInvocation", "input": "in", "output": "out"}), "ok", None, "out"),
        (tool("runTests", "c", pastTenseMessage=markdown("11/12 tests passed")), "unknown", None, "11/12 tests passed"),
    ],
)  # fmt: skip
def test_how_a_call_ended(window: Window, part: Json, status: str, code: int | None, output: str) -> None:
    (result,) = answered(window, ToolResult, part)

    assert (result.status, result.exit_code, result.output) == (status, code, output)
    assert result.never_ran == (status == "denied")


def test_what_a_call_is_about(window: Window) -> None:
    link = {"value": f"Reading [](file://{PROJECT}/a%20b.py#1-5), lines 1 to 5"}
    parts = (
        edit_call(f"{PROJECT}/a.py", "c1"),
        tool("copilot_readFile", "c2", message=link),
        tool("copilot_findTextInFiles", "c3", message="Searched text for `add(`, 3 results"),
        tool("mcp_x", "c4", message="Ran x", data={"kind": "input", "rawInput": {"query": "q"}}),
        tool("fetch", "c5", message="Fetched [the page](https://example.org/x)"),
    )

    calls = answered(window, ToolCall, *parts)

    assert [(call.op, call.subject) for call in calls] == [
        ("edit", f"{PROJECT}/a.py"),
        ("read", f"{PROJECT}/a b.py"),
        ("search", "Searched text for `add(`, 3 results"),
        ("other", "q"),
        ("other", "Fetched the page"),
    ]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (edits("/x/a.py", "b\n", done=True), [("modify", "/x/a.py", None)]),
        (edits("/x/a.py", "b\n", scheme="vscode-remote"), [("modify", "/x/a.py", None)]),
        (edits("/x/a.py", "b\n", scheme="untitled"), []),
        (edits("/x/a.py", "b\n") | {"uri": "file:///x/a%20b.py"}, [("modify", "/x/a b.py", None)]),
        (edits("/x/a.py", "b\n") | {"edits": [[]]}, []),
        (edits("/x/.carryover/handoff.md", "b\n"), []),
    ],
)
def test_changes_of_files(window: Window, part: Json, expected: list[tuple[str, str, str | None]]) -> None:
    found = answered(window, FileEdit, part)

    assert [(edit.change, edit.path, edit.old_path) for edit in found] == expected


def test_lines_of_an_edit_are_counted_from_its_range(window: Window) -> None:
    def ranged(text: str, *place: int) -> Json:
        names = ("startLineNumber", "startColumn", "endLineNumber", "endColumn")
        return edits("/x/a.py", text) | {"edits": [[{"text": text, "range": dict(zip(names, place, strict=True))}]]}

    found = answered(
        window,
        FileEdit,
        ranged("a\nb\n", 5, 1, 5, 1),
        ranged("", 5, 1, 8, 1),
        ranged("x", 5, 3, 5, 9),
        ranged("\n\ny", 5, 3, 6, 2),
        ranged("x", 9, 1, 5, 1),
    )

    assert [(edit.added, edit.removed, edit.line, edit.anchor) for edit in found] == [
        (2, 0, 5, "a"),
        (0, 3, 5, None),
        (1, 1, 5, "x"),
        (3, 2, 7, "y"),
        (1, 0, 9, "x"),
    ]


def test_questions_and_their_answers(window: Window) -> None:
    options = [{"id": "o1", "label": "PostgreSQL", "value": "o1"}, {"id": "o2", "label": "SQLite", "value": "o2"}]
    asked = {
        "kind": "questionCarousel",
        "questions": [
            {"id": "q1", "type": "singleSelect", "title": "Database", "message": "Which database?", "options": options},
            {"id": "q2", "type": "multiSelect", "title": "Which tests?", "options": options},
            {"id": "q3", "type": "text", "title": "Anything else?"},
            {"id": "q4", "type": "text", "title": ""},
        ],
        "data": {"q1": {"selectedValue": "o2"}, "q2": {"selectedValues": ["o1"], "freeformValue": "unit"}},
        "isUsed": True,
    }
    found = events(window, request("Go.", asked))

    questions = [event.body for event in found if isinstance(event.body, Question)]
    answers = [event.body for event in found if isinstance(event.body, Answer)]
    assert [(question.text, question.options) for question in questions] == [
        ("Which database?", ("PostgreSQL", "SQLite")),
        ("Which tests?", ("PostgreSQL", "SQLite")),
        ("Anything else?", ()),
    ]
    assert [(answer.call_id, answer.text) for answer in answers] == [
        (questions[0].call_id, "SQLite"),
        (questions[1].call_id, "PostgreSQL, unit"),
    ]


def test_a_handoff_that_the_agent_read_is_not_repeated(window: Window) -> None:
    path = f"{PROJECT}/.carryover/handoff.md"
    part = edit_call(path, "c", "copilot_readFile", resultDetails={"output": [{"value": "OUR OWN TEXT"}]})

    assert [result.output for result in answered(window, ToolResult, part)] == [""]
