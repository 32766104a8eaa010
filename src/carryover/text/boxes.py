"""Reads the boxes of lists in documents: `- [ ]` and `- [x]`. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from carryover.facts import Boxes
from carryover.text.pattern import later

_DOCUMENTS: Final = (".md", ".markdown", ".mdx", ".txt", ".rst", ".adoc", ".org")
_NUMBER: Final = r"(?:\s*L?\d{1,6}(?:→|:|\||\t))?"
"""A line number, as agents' tools print it."""
_BOX: Final = later(_NUMBER + r"\s*(?:[-*+•]|\d{1,3}[.)])\s+\[([ xX])\]\s+(\S.*)")
_MOST_OPEN: Final = 12
_ITEM_CHARS: Final = 200


def is_document(path: str) -> bool:
    """Whether a file is prose by its name: Markdown, plain text and the like."""
    return path.lower().endswith(_DOCUMENTS)


def boxes_in(lines: Iterable[str]) -> Boxes | None:
    """Returns the boxes in the lines of a document; None if it has none."""
    found = [(box[1] != " ", box[2].strip()[:_ITEM_CHARS]) for line in lines if (box := _BOX.match(line))]
    still = tuple(item for is_checked, item in found if not is_checked)
    return Boxes(len(found), len(found) - len(still), still[:_MOST_OPEN]) if found else None


def boxes_after(before: Boxes | None, diff: str) -> Boxes | None:
    """Returns the boxes of a document after an edit with this diff (see `model.FileEdit`); None if that is unknown."""
    lines = diff.splitlines()
    if any(line.startswith("\\") for line in lines):
        return None
    added = boxes_in(line[1:] for line in lines if line.startswith("+"))
    removed = boxes_in(line[1:] for line in lines if line.startswith("-"))
    if lines and all(line.startswith("+") for line in lines):  # the whole file
        return added
    if before is None:
        return None
    none = Boxes(0, 0)
    return _combined(before, added or none, removed or none) if diff else None


def _combined(before: Boxes, added: Boxes, removed: Boxes) -> Boxes | None:
    """Returns the boxes with the added ones in place of the removed ones; None if the counts show that some were not
    known."""
    total = before.total + added.total - removed.total
    checked = before.checked + added.checked - removed.checked
    if total <= 0 or not 0 <= checked <= total:
        return None
    still = list(before.open)
    at = next((still.index(item) for item in removed.open if item in still), len(still))
    still = [item for item in still if item not in removed.open]
    still[at:at] = added.open
    return Boxes(total, checked, tuple(still[:_MOST_OPEN]))
