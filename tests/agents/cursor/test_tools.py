"""What a tool does, what a call is about, and what a success of it changed."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from carryover.agents.cursor.tools import changes_of, looks_at_handoff, op_of, paths_in, subject_of
from carryover.model import Op
from carryover.records.changes import Change


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


@pytest.mark.parametrize(
    ("name", "args", "op", "subject"),
    [
        ("Shell", {"command": "make test", "description": "Run the tests"}, "shell", "make test"),
        ("run_terminal_command_v2", {"command": "ls", "cwd": ""}, "shell", "ls"),
        ("read_file_v2", {"target_file": "a.py"}, "read", "a.py"),
        ("edit_file_v2", {"relativeWorkspacePath": "src/a.py"}, "edit", "src/a.py"),
        ("search_replace", {"file_path": "/p/a.py", "old_string": "a"}, "edit", "/p/a.py"),
        ("Delete", {"path": "/p/a.py"}, "edit", "/p/a.py"),
        ("Write", {"path": "/p/a.py", "contents": "x"}, "write", "/p/a.py"),
        ("Grep", {"pattern": "total", "path": "/p"}, "search", "total"),
        ("list_dir", {"target_directory": "/p"}, "search", "/p"),
        ("glob_file_search", {"globPattern": "*.py", "targetDirectory": "/p"}, "search", "*.py"),
        ("web_search", {"search_term": "discounts"}, "web", "discounts"),
        ("TodoWrite", {"todos": []}, "plan", ""),
        ("AskQuestion", {"title": "Caps", "questions": []}, "ask", "Caps"),
        ("Task", {"description": "Find totals", "prompt": "List where"}, "agent", "Find totals"),
        (
            "CallMcpTool",
            {"server": "github", "toolName": "create_issue", "arguments": {}},
            "other",
            "github create_issue",
        ),
        ("BrandNew", {"path": "/p", "description": "Do it"}, "other", "Do it"),
        ("apply_patch", "*** Begin Patch\n*** Update File: a.py\n@@\n-x\n+y\n", "edit", "a.py"),
    ],
)
def test_a_call_says_what_it_does_and_to_what(name: str, args: Any, op: Op, subject: str) -> None:
    assert (op_of(name), subject_of(name, raw(args))) == (op, subject)


@pytest.mark.parametrize(
    ("name", "args", "changes"),
    [
        (
            "StrReplace",
            {"path": "/p/a.py", "old_string": "a\nb\n", "new_string": "a\nc\nd\n"},
            [Change(path="/p/a.py", change="modify", added=2, removed=1, anchor="c", diff="@@\n a\n-b\n+c\n+d")],
        ),
        (
            "StrReplace",
            {"path": "/p/a.py", "old_string": "a", "new_string": "b", "replace_all": True},
            [Change(path="/p/a.py", change="modify", anchor="b", diff="@@\n-a\n+b")],
        ),
        (
            "multi_edit",
            {
                "file_path": "a.py",
                "edits": [{"old_string": "a", "new_string": "b"}, {"old_string": "", "new_string": "c"}],
            },
            [Change(path="/w/a.py", change="modify", added=2, removed=1, anchor="b", diff="@@\n-a\n+b\n@@\n+c")],
        ),
        # Nothing tells whether the file existed.
        (
            "Write",
            {"path": "/p/a.py", "contents": "\nx\n"},
            [Change(path="/p/a.py", change="modify", anchor="x", diff="+\n+x")],
        ),
        ("Write", {"path": "/p/a.py", "contents": ""}, [Change(path="/p/a.py", change="modify")]),
        ("edit_file", {"target_file": "a.py", "code_edit": "x"}, [Change(path="/w/a.py", change="modify")]),
        ("delete_file", {"target_file": "../o/a.py"}, [Change(path="/o/a.py", change="delete")]),
        ("Edit", {"path": "file:///p/a%20b.py"}, [Change(path="/p/a b.py", change="modify")]),
        ("Shell", {"command": "rm /p/a.py"}, [Change(path="/p/a.py", change="delete")]),
        ("Shell", {"command": "rm a.py", "working_directory": "/p"}, [Change(path="/p/a.py", change="delete")]),
        # The shell may be in another folder by now.
        ("Shell", {"command": "rm a.py", "cwd": ""}, []),
        ("Write", {"path": "/p/.carryover/handoff.md", "contents": "x"}, []),
        ("Write", {"contents": "x"}, []),
        ("Read", {"path": "/p/a.py"}, []),
    ],
)
def test_an_edit_says_what_it_changes(name: str, args: Any, changes: list[Change]) -> None:
    assert list(changes_of(name, raw(args), "/w")) == changes


def test_a_patch_comes_as_an_object_or_as_its_text() -> None:
    patch = "*** Begin Patch\n*** Add File: a.py\n+x\n*** End Patch"
    added = Change(path="/w/a.py", change="add", added=1, removed=0, line=1, anchor="x", diff="+x")

    for args in (patch, {"patch": patch}, {"input": patch}):
        assert changes_of("ApplyPatch", raw(args), "/w") == (added,)


def test_looks_at_our_own_files_are_reported() -> None:
    assert looks_at_handoff(raw({"command": "cat .carryover/handoff.md"}))
    assert looks_at_handoff(raw({"path": "handoff.md"}), "/p/.carryover")
    assert not looks_at_handoff(raw({"path": "/p/.carryoverage"}))


def test_a_call_mentions_paths_in_its_fields_and_its_command() -> None:
    args = {"path": "/p/a.py", "command": "cd /home/dev/demo && ls ~/x ./y a/b >/tmp/z", "old_string": "/no"}

    assert list(paths_in(msgspec.Raw(json.dumps(args).encode()))) == ["/p/a.py", "/home/dev/demo", "/tmp/z"]
    assert list(paths_in(msgspec.Raw(b"[]"))) == []
