"""What a tool does, what a call is about, how it ended, what it changed, asked and planned."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from carryover.adapter.contract import ToolOutcome
from carryover.agents.cursor.calls import arguments_in, outcome_of, read_call
from carryover.model import FileEdit, Op
from carryover.records.lenient import Fields


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def given(args: Any) -> Fields:
    return arguments_in(raw(args))


@pytest.mark.parametrize(
    ("name", "args", "op", "subject"),
    [
        ("Shell", {"command": "make test", "description": "Run the tests"}, "shell", "make test"),
        ("run_terminal_command_v2", {"command": "ls", "cwd": ""}, "shell", "ls"),
        ("edit_file_v2", {"relativeWorkspacePath": "src/a.py"}, "edit", "src/a.py"),
        ("Write", {"path": "/p/a.py", "contents": "x"}, "write", "/p/a.py"),
        ("Grep", {"pattern": "total", "path": "/p"}, "search", "total"),
        ("glob_file_search", {"globPattern": "*.py", "targetDirectory": "/p"}, "search", "*.py"),
        ("web_search", {"search_term": "discounts"}, "web", "discounts"),
        ("TodoWrite", {"todos": []}, "plan", ""),
        ("AskQuestion", {"title": "Caps", "questions": []}, "ask", "Caps"),
        ("Task", {"description": "Find totals", "prompt": "List where"}, "agent", "Find totals"),
        ("CallMcpTool", {"server": "github", "toolName": "create_issue"}, "other", "github create_issue"),
        ("BrandNew", {"path": "/p", "description": "Do it"}, "other", "Do it"),
        ("apply_patch", "*** Begin Patch\n*** Update File: a.py\n@@\n-x\n+y\n", "edit", "a.py"),
    ],
)
def test_a_call_says_what_it_does_and_to_what(name: str, args: Any, op: Op, subject: str) -> None:
    call = read_call("1", name, given(args), None)

    assert (call.op, call.subject) == (op, subject)


PATCH = "*** Begin Patch\n*** Add File: a.py\n+x\n*** End Patch"
ADDED = FileEdit(path="/w/a.py", change="add", added=1, removed=0, line=1, anchor="x", diff="+x")
TWICE = [{"old_string": "a", "new_string": "b"}, {"old_string": "", "new_string": "c"}]


def modified(path: str = "/p/a.py", **fields: Any) -> FileEdit:
    return FileEdit(path=path, change="modify", **fields)


@pytest.mark.parametrize(
    ("name", "args", "changes"),
    [
        (
            "StrReplace",
            {"path": "/p/a.py", "old_string": "a\nb\n", "new_string": "a\nc\nd\n"},
            [modified(added=2, removed=1, anchor="c", diff="@@\n a\n-b\n+c\n+d")],
        ),
        (
            "StrReplace",
            {"path": "/p/a.py", "old_string": "a", "new_string": "b", "replace_all": True},
            [modified(anchor="b", diff="@@\n-a\n+b")],
        ),
        (
            "multi_edit",
            {"file_path": "a.py", "edits": TWICE},
            [modified("/w/a.py", added=2, removed=1, anchor="b", diff="@@\n-a\n+b\n@@\n+c")],
        ),
        # Nothing tells whether the file existed.
        ("Write", {"path": "/p/a.py", "contents": "\nx\n"}, [modified(anchor="x", diff="+\n+x")]),
        ("Write", {"path": "/p/a.py", "contents": ""}, [modified()]),
        ("edit_file", {"target_file": "a.py", "code_edit": "x"}, [modified("/w/a.py")]),
        ("delete_file", {"target_file": "../o/a.py"}, [FileEdit(path="/o/a.py", change="delete")]),
        ("Edit", {"path": "file:///p/a%20b.py"}, [modified("/p/a b.py")]),
        ("ApplyPatch", PATCH, [ADDED]),
        ("ApplyPatch", {"patch": PATCH}, [ADDED]),
        ("ApplyPatch", {"input": PATCH}, [ADDED]),
        ("Shell", {"command": "rm a.py", "working_directory": "/p"}, [FileEdit(path="/p/a.py", change="delete")]),
        # The shell may be in another folder by now.
        ("Shell", {"command": "rm a.py", "cwd": ""}, []),
        ("Write", {"contents": "x"}, []),
    ],
)
def test_an_edit_says_what_it_changes(name: str, args: Any, changes: list[FileEdit]) -> None:
    assert list(read_call("1", name, given(args), "/w").changes) == changes


def test_looks_at_our_own_files_are_reported() -> None:
    assert read_call("1", "Shell", given({"command": "cat .carryover/handoff.md"}), None).handoff
    assert read_call("1", "Read", given({"path": "handoff.md"}), "/p/.carryover").handoff
    assert not read_call("1", "Read", given({"path": "/p/.carryoverage"}), None).handoff


@pytest.mark.parametrize(
    ("op", "result", "outcome"),
    [
        ("shell", "Exit code: 0\n\nCommand output:\nfine\n", ToolOutcome("ok", "fine\n", exit_code=0)),
        ("shell", "Exit code: 1\n\nCommand output:\n2 failed", ToolOutcome("error", "2 failed", exit_code=1)),
        ("shell", "Exit code: -9", ToolOutcome("error", "", exit_code=-9)),
        # Nobody says how it ended: it printed this.
        ("shell", "done\nExit code: 1", ToolOutcome("unknown", "done\nExit code: 1")),
        ("shell", "\x1b[31mred\x1b[0m", ToolOutcome("unknown", "red")),
        ("edit", "Error: no such file: a.py", ToolOutcome("error", "no such file: a.py")),
        ("edit", "The file /p/a.py has been updated.", ToolOutcome("ok", "The file /p/a.py has been updated.")),
        ("read", [{"type": "text", "text": "x = 1"}], ToolOutcome("ok", "x = 1")),
        # That the user rejected a call is a field's to say: a page or a file may say the same.
        ("web", "User rejected the edit", ToolOutcome("ok", "User rejected the edit")),
        ("other", {"rejected": True, "output": "x"}, ToolOutcome("ok", "x")),
        ("edit", {"rejected": True}, ToolOutcome("denied", "", never_ran=True)),
        ("edit", {"afterContentId": "composer.content.x"}, ToolOutcome("ok", "")),
        ("edit", {"error": "no match"}, ToolOutcome("error", "no match")),
        ("read", {"contents": "x = 1"}, ToolOutcome("ok", "x = 1")),
        ("edit", 5, ToolOutcome("unknown")),
    ],
)
def test_a_result_tells_how_its_call_ended(op: Op, result: Any, outcome: ToolOutcome) -> None:
    assert outcome_of(op, raw(result)) == outcome
