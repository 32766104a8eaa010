"""The hunks of a unified diff."""

from __future__ import annotations

import re

import msgspec
import pytest

from carryover.model import FileEdit
from carryover.records.changes import Hunk, Replacement, as_shown, hunks_in, patched, planned, replaced, written

DIFF = """\
Index: pricing.py
--- pricing.py\tCurrent
+++ pricing.py\tProposed
@@ -3,3 +3,4 @@
 def discount(price):
-    return price
+    cents = round(price)
+    return cents
@@ -20 +21 @@
-old
+new
\\ No newline at end of file
"""


def test_the_change_counts_lines_and_names_the_first_one_added() -> None:
    assert patched("/a/pricing.py", hunks_in(DIFF)) == FileEdit(
        path="/a/pricing.py",
        change="modify",
        added=3,
        removed=2,
        line=4,
        anchor="    cents = round(price)",
        diff="@@ +3 @@\n def discount(price):\n-    return price\n+    cents = round(price)\n+    return cents\n"
        "@@ +21 @@\n-old\n+new\n\\ No newline at end of file",
    )


def test_the_diff_in_a_result_tells_more_of_the_one_file_that_was_modified_and_of_no_other() -> None:
    change, added = (FileEdit(path="/a/pricing.py", change=kind) for kind in ("modify", "add"))

    assert as_shown([change], DIFF) == [patched(change.path, hunks_in(DIFF))]
    for changes, diff in (([change, change], DIFF), ([added], DIFF), ([change], "no diff"), ([], DIFF)):
        assert as_shown(changes, diff) == changes


def test_a_long_change_keeps_its_first_lines_and_says_how_many_more_there_are() -> None:
    diff = written("/a", "\n".join(f"line {number}" for number in range(5000))).diff

    assert len(diff) < 6100
    assert diff.startswith("+line 0\n+line 1\n")
    assert re.search(r"\n\\ \d+ more lines$", diff) and diff.count("\n+line ") + int(diff.split()[-3]) == 4999


def test_a_replacement_shows_what_differs_between_three_lines_on_both_sides() -> None:
    old, new = "1\n2\n3\n4\nold\n5\n6\n7\n8", "1\n2\n3\n4\nnew\n5\n6\n7\n8"

    assert replaced("/a", [Replacement(old, new), Replacement()], counted=True).diff == (
        "@@\n 2\n 3\n 4\n-old\n+new\n 5\n 6\n 7"
    )


def test_how_many_lines_a_replacement_of_every_occurrence_changes_is_not_known() -> None:
    pair = {"old_string": msgspec.Raw(b'"a"'), "new_string": msgspec.Raw(b'"b"')}

    assert planned("/a", pair).added == 1
    assert planned("/a", {**pair, "replace_all": msgspec.Raw(b"true")}).added is None


def test_an_edit_may_come_as_a_list_of_replacements_and_one_without_any_says_no_number_of_lines() -> None:
    edits = {"edits": msgspec.Raw(b'[{"old_string": "a", "new_string": "b"}, {"new_string": "c\\nd"}]')}

    assert (planned("/a", edits).added, planned("/a", edits).diff) == (3, "@@\n-a\n+b\n@@\n+c\n+d")
    assert planned("/a", edits, counted=False).added is None
    assert planned("/a", {}).added is None


@pytest.mark.parametrize(("old", "new"), [("old_str", "new_str"), ("oldText", "newText"), ("before", "after")])
def test_agents_name_the_texts_of_an_edit_differently(old: str, new: str) -> None:
    pair = msgspec.json.encode({old: "a\nb", new: "a\nc\nd"})
    edits = {"edits": msgspec.Raw(b"[%b]" % pair)}

    assert planned("/a", msgspec.json.decode(pair, type=dict[str, msgspec.Raw])) == planned("/a", edits)
    assert (planned("/a", edits).added, planned("/a", edits).removed) == (2, 1)


@pytest.mark.parametrize(
    ("lines", "line", "anchor"),
    [
        (["-a", " b", "-c"], 7, None),
        ([" a", "+", "+b"], 9, "b"),
    ],
)
def test_a_change_is_at_its_first_line_with_text_or_else_where_lines_first_went(
    lines: list[str], line: int, anchor: str | None
) -> None:
    change = patched("/a", [Hunk(new_start=7, lines=lines)])

    assert (change.line, change.anchor) == (line, anchor)
