"""What an edit changed."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from carryover.agents.claude_code.tools import EditResult, applied, planned
from carryover.records.changes import Change, Hunk

CWD = "/home/dev/shop"
PATH = "/home/dev/shop/cart.py"


def plan(**tool_input: Any) -> Change | None:
    return planned(msgspec.Raw(json.dumps(tool_input).encode()), CWD)


def test_a_replacement_counts_only_the_lines_that_differ() -> None:
    change = plan(file_path=PATH, old_string="a\nb\nc", new_string="a\nB\nB2\nc")

    assert change == Change(path=PATH, change="modify", added=2, removed=1, anchor="B")


def test_replacing_everywhere_changes_nobody_knows_how_many_lines() -> None:
    change = plan(file_path=PATH, old_string="a", new_string="b", replace_all=True)

    assert change == Change(path=PATH, change="modify", anchor="b")


def test_several_replacements_add_up() -> None:
    edits = [{"old_string": "a", "new_string": "b"}, {"old_string": "", "new_string": "c\nd"}]

    assert plan(file_path=PATH, edits=edits) == Change(path=PATH, change="modify", added=3, removed=1, anchor="b")


def test_a_written_file_counts_all_its_lines() -> None:
    change = plan(file_path=PATH, content="\nimport x\n\n")

    assert change == Change(path=PATH, change="modify", added=3, removed=0, line=2, anchor="import x")


def test_a_notebook_is_named_differently() -> None:
    assert plan(notebook_path="/n.ipynb", new_source="x") == Change(path="/n.ipynb", change="modify")


@pytest.mark.parametrize(
    ("given", "path"), [("cart.py", PATH), ("../lib/./x.py", "/home/dev/lib/x.py"), ("C:\\x\\y.py", "C:\\x\\y.py")]
)
def test_paths_become_absolute(given: str, path: str) -> None:
    change = plan(file_path=given, content="x")

    assert change is not None
    assert change.path == path


@pytest.mark.parametrize("tool_input", [{}, {"file_path": ""}, {"file_path": 5}, {"file_path": "/" + "x" * 5000}])
def test_without_a_usable_path_there_is_no_change(tool_input: dict[str, Any]) -> None:
    assert plan(**tool_input) is None


def test_a_relative_path_without_a_folder_is_no_path() -> None:
    assert planned(msgspec.Raw(b'{"file_path": "cart.py", "content": "x"}'), None) is None


def test_the_patch_says_where_and_how_much() -> None:
    lines = [" def total(items):", "     return sum(items)", "+", "+", "+def discount():", "+    return 1"]
    result = EditResult(structured_patch=[Hunk(new_start=1, lines=lines)])

    assert applied(Change(path=PATH, change="modify", added=9), result, "") == Change(
        path=PATH, change="modify", added=4, removed=0, line=5, anchor="def discount():"
    )


def test_the_place_is_counted_in_the_file_as_it_became() -> None:
    hunks = [Hunk(new_start=10, lines=[" a", "-b", "-c", " d", "\\ No newline at end of file", "+e"])]

    change = applied(Change(path=PATH, change="modify"), EditResult(structured_patch=hunks), "")

    assert (change.added, change.removed, change.line, change.anchor) == (1, 2, 12, "e")


def test_a_patch_that_only_removes_says_where() -> None:
    hunks = [Hunk(new_start=10, lines=[" a", "-b", "-c", " d"])]

    change = applied(Change(path=PATH, change="modify"), EditResult(structured_patch=hunks), "")

    assert (change.added, change.removed, change.line, change.anchor) == (0, 2, 11, None)


WRITTEN = Change(path=PATH, change="modify", added=3, removed=0, line=1, anchor="import x")


def test_a_created_file_is_new() -> None:
    result = EditResult(type="create", structured_patch=[])

    assert applied(WRITTEN, result, "") == msgspec.structs.replace(WRITTEN, change="add")


def test_a_created_file_is_known_by_the_text_where_there_is_no_structured_result() -> None:
    assert applied(WRITTEN, None, f"File created successfully at: {PATH}").change == "add"


def test_an_overwritten_file_without_a_patch_changed_nobody_knows_how_much() -> None:
    assert applied(WRITTEN, None, f"The file {PATH} has been updated.") == Change(
        path=PATH, change="modify", anchor="import x"
    )


def test_a_replacement_without_a_patch_keeps_what_its_input_said() -> None:
    change = Change(path=PATH, change="modify", added=2, removed=1, anchor="B")

    assert applied(change, None, "updated") == change


def test_an_endless_line_is_not_kept_as_an_anchor() -> None:
    change = plan(file_path=PATH, content="let a = 1; " * 10_000)

    assert change is not None
    assert len(change.anchor or "") < 300
