"""Which recorded edit wrote a line, by its text."""

from __future__ import annotations

import difflib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.ledger.search import EditRow
from carryover.model import FileEdit
from carryover.past.line_origin import (
    is_silent,
    may_have_written,
    parts_written,
    removed_by,
    writer_of,
    writes,
    written_lines,
)
from carryover.records.changes import Replacement, hunks_in, patched, replaced
from carryover.records.changes import written as written_whole
from support.costs import costing_little


def edit_of(before: list[str], after: list[str], *, context: int = 3) -> FileEdit:
    """The edit as a client records it that shows a diff."""
    diff = "\n".join(difflib.unified_diff(before, after, n=context, lineterm=""))
    return patched("/repo/a", hunks_in(diff))


def whole(lines: list[str]) -> FileEdit:
    return written_whole("/repo/a", "\n".join(lines) + "\n")


def rows(edits: list[FileEdit]) -> list[EditRow]:
    """The edits as they are stored, each an hour after the one before."""
    return [
        EditRow(
            event_id=hour,
            at_ms=hour,
            body=edit,
            thread_id=1,
            subagent_id=None,
            session_id=1,
            session="s1",
            agent="codex",
            root="/repo",
            recorded_root=None,
            machine="",
        )
        for hour, edit in enumerate(edits)
    ]


def writers(lines: list[str], edits: list[FileEdit], *, until: float = 99) -> list[int | None]:
    """The number of the edit that wrote each of the lines."""
    among = written_lines(rows(edits))
    found = (writer_of(lines, index, among, until) for index in range(len(lines)))
    return [edit.event_id if edit is not None else None for edit in found]


def may_have(edit: FileEdit, line: str) -> bool:
    return may_have_written(parts_written(edit), line)


@given(steps=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3), st.integers(0, 4)), max_size=8))
def test_each_line_is_that_of_the_edit_that_wrote_it(steps: list[tuple[int, int, int]]) -> None:
    """Each step removes some lines at a place and adds others, as `git blame` would count them."""
    lines: list[tuple[str, int | None]] = [(f"old {number}", None) for number in range(12)]
    edits = []
    for number, (place, removed, added) in enumerate(steps):
        at = min(place, len(lines) - 1)
        new = [(f"edit {number} line {count}", number) for count in range(added)]
        after = [*lines[:at], *new, *lines[min(at + removed, len(lines) - 1) :]]
        edits.append(edit_of([text for text, _ in lines], [text for text, _ in after]))
        lines = after

    assert writers([text for text, _ in lines], edits) == [writer for _, writer in lines]


def test_of_edits_that_wrote_the_same_line_the_newest_counts_that_can_be_in_its_commit() -> None:
    edits = [whole(["total = 1"]), whole(["total = 2"]), whole(["total = 1"])]
    assert [writers(["total = 1"], edits, until=hour) for hour in (-1, 0, 1, 2)] == [[None], [0], [0], [2]]


def test_a_line_with_hardly_any_text_is_recognised_with_the_line_above_it() -> None:
    first = edit_of(["def one():"], ["def one():", "    pay(", "        cents,", "    )", ""])
    second = edit_of(["def two():"], ["def two():", "    round(", "        euros,", "    )"])
    lines = ["def one():", "    pay(", "        cents,", "    )", "", "def two():"]

    assert writers(lines, [first, second]) == [None, 0, 0, 0, 0, None]
    assert writers(["        cents + 5,", "    )"], [first, second]) == [None, None]
    assert (may_have(first, "    )"), may_have(first, "}")) == (True, False)


def test_what_an_edit_wrote_of_which_not_all_is_recorded_is_not_sure() -> None:
    long = whole([f"value_{number} = {number}" for number in range(4000)])
    part = replaced("/repo/a", [Replacement("price", "price * 2")], counted=True)
    short = whole(["total = 1"])

    assert writers(["value_3 = 3", "value_3999 = 3999"], [long]) == [0, None]
    assert (is_silent(long), may_have(long, "value_3999 = 3999")) == (True, True)
    assert (is_silent(part), may_have(part, "    return price * 2  # twice")) == (False, True)
    assert (is_silent(short), may_have(short, "total = 2")) == (False, False)


def test_an_edit_that_only_removes_writes_nothing_and_is_known_by_lines_that_say_enough() -> None:
    removed = edit_of(["keep", "total = price", "}", "end"], ["keep", "end"])
    added = edit_of(["keep", "end"], ["keep", "total = price", "end"])

    assert (writes(removed), writes(added)) == (False, True)
    assert (removed_by(removed), removed_by(added)) == ({"total = price"}, set())


@pytest.mark.parametrize("text", ["a", "return the total"], ids=["a letter", "text that says enough"])
def test_a_file_of_equal_lines_costs_time_in_proportion_to_its_length(text: str) -> None:
    hunk = FileEdit(path="/repo/a", change="modify", diff="\n".join(["@@ +1", *[f" {text}", f"+{text}"] * 600, "+b"]))

    with costing_little():
        found = writers([text] * 50_000, [hunk] * 3)

    assert found[0] == (2 if len(text) > 1 else None)
