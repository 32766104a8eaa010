from __future__ import annotations

import difflib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.model import FileEdit
from carryover.records.changes import Change, Replacement, as_edit, hunks_in, patched, replaced, written
from carryover.views.line_origin import Origin, origin_of


def edit_of(before: list[str], after: list[str], *, context: int = 3) -> FileEdit:
    """The edit as a client records it that shows a diff."""
    diff = "\n".join(difflib.unified_diff(before, after, n=context, lineterm=""))
    return as_edit(patched(Change(path="/repo/a", change="modify"), hunks_in(diff)), None)


def whole(lines: list[str]) -> FileEdit:
    return as_edit(written("/repo/a", "\n".join(lines) + "\n"), None)


STEPS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3), st.integers(0, 4)), max_size=8)


@given(steps=STEPS, texts=st.sampled_from(["unique", "alike"]), context=st.sampled_from([1, 3]))
def test_each_line_is_that_of_the_edit_that_wrote_it(
    steps: list[tuple[int, int, int]], texts: str, context: int
) -> None:
    """Each step removes some lines at a place and adds others, as `git blame` would count them."""
    lines: list[tuple[str, int | None]] = [(f"old {number}", None) for number in range(12)]
    edits = []
    for number, (place, removed, added) in enumerate(steps):
        at = min(place, len(lines) - 1)
        text = f"edit {number} line " if texts == "unique" else "line "
        new = [(f"{text}{each}", number) for each in range(added)]
        after = [*lines[:at], *new, *lines[min(at + removed, len(lines) - 1) :]]
        edits.append(edit_of([text for text, _ in lines], [text for text, _ in after], context=context))
        lines = after

    found = [origin_of([text for text, _ in lines], at, edits) for at in range(len(lines))]

    if texts == "unique":
        assert [(each.edit, each.sure) for each in found] == [(writer, "followed") for _, writer in lines]
    else:  # a diff may show another one of lines that are alike as new, but none of the others
        old = [each.edit is None for each, (text, _) in zip(found, lines, strict=True) if text.startswith("old")]
        assert all(old)


@pytest.mark.parametrize("length", [400, 4000])
def test_a_long_file_whose_end_is_not_recorded_is_still_the_edits_own(length: int) -> None:
    lines = [f"value_{number} = {number}" for number in range(length)]
    assert origin_of(lines, length - 1, [whole(lines)]) == Origin(0, "followed")


def test_an_edit_of_a_part_of_a_line_is_undone_in_the_whole_line() -> None:
    """Clients that show no diff say which text they replaced."""
    pair = Replacement(old_string="price", new_string="price * 2\n    # twice")
    edit = as_edit(replaced("/repo/a", [pair], counted=True), None)
    lines = ["def f(x):", "    return price * 2", "    # twice  # ends", "last"]

    assert [origin_of(lines, at, [whole(["def f(x):", "last"]), edit]).edit for at in (1, 2)] == [1, 1]
    before = whole(["def f(x):", "    return price  # ends", "last"])
    assert [origin_of(lines, at, [before, edit]) for at in (0, 3)] == [Origin(0, "followed")] * 2


def test_lines_that_were_removed_count_for_the_place_of_others_also_without_context() -> None:
    edits = [edit_of(["a", "x", "x", "b"], ["a", "b"], context=0)]
    later = edit_of(["a", "b"], ["a", "b", "b"], context=0)
    assert origin_of(["a", "b", "b"], 1, [*edits, later]) == Origin(None, "followed")
