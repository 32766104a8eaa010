"""What an edit changed."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from carryover.agents.claude_code.tools import applied, planned
from carryover.records.changes import Change

CWD = "/home/dev/shop"
PATH = "/home/dev/shop/cart.py"


def plan(**tool_input: Any) -> Change | None:
    return planned(msgspec.Raw(json.dumps(tool_input).encode()), CWD)


def test_a_replacement_counts_only_the_lines_that_differ() -> None:
    change = plan(file_path=PATH, old_string="a\nb\nc", new_string="a\nB\nB2\nc")

    diff = "@@\n a\n-b\n+B\n+B2\n c"
    assert change == Change(path=PATH, change="modify", added=2, removed=1, anchor="B", diff=diff)


WRITTEN = Change(path=PATH, change="modify", added=3, removed=0, line=1, anchor="import x")


def test_a_created_file_is_known_by_the_text_where_there_is_no_structured_result() -> None:
    assert applied(WRITTEN, None, f"File created successfully at: {PATH}").change == "add"
