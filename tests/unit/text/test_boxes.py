"""Boxes of a plan are counted in the document, in what a tool printed of it, and in edits of it."""

from __future__ import annotations

import pytest

from carryover.facts import Boxes
from carryover.text.boxes import boxes_after, boxes_in, is_document

PLAN = "# Plan\n- [x] cents\n* [ ] the receipt\n  1. [X] its line\n- [ ] the fixture\n- [link](x) and [ ] no box\n"
BOXES = Boxes(4, 2, ("the receipt", "the fixture"))


@pytest.mark.parametrize("mark", ["{}", "{number:6}→{}", "{number}: {}", "L{number}: {}", "{number}\t{}"])
def test_boxes_are_counted_and_open_ones_are_named_in_order(mark: str) -> None:
    lines = [mark.format(line, number=number) for number, line in enumerate(PLAN.splitlines(), 1)]

    assert boxes_in(lines) == BOXES
    assert boxes_in(["- a list", "- [ ]", "see [ ] there"]) is None


@pytest.mark.parametrize(
    ("diff", "after"),
    [
        ("@@ +3 @@\n-* [ ] the receipt\n+* [x] the receipt\n - [ ] the fixture", Boxes(4, 3, ("the fixture",))),
        ("@@ +3 @@\n+- [ ] the tax", Boxes(5, 2, ("the receipt", "the fixture", "the tax"))),
        ("@@\n-* [ ] the receipt\n+* [ ] both receipts", Boxes(4, 2, ("both receipts", "the fixture"))),
        (
            "@@\n-- [x] cents\n-  1. [X] its line\n+- [ ] cents\n+  1. [ ] its line",
            Boxes(4, 0, ("the receipt", "the fixture", "cents", "its line")),
        ),
        ("+- [ ] all anew", Boxes(1, 0, ("all anew",))),
        ("+- [ ] all anew\n\\ 80 more lines", None),
        ("", None),
    ],
)
def test_an_edit_checks_adds_and_renames_boxes_or_leaves_them_unknown(diff: str, after: Boxes | None) -> None:
    assert boxes_after(BOXES, diff) == after
    assert boxes_after(None, "@@\n-- [ ] a\n+- [x] a") is None


def test_a_document_is_known_by_its_name() -> None:
    assert [is_document(name) for name in ("PLAN.MD", "a/tasks.md", "notes.txt", "cart.py", "md")] == [True] * 3 + [
        False
    ] * 2
