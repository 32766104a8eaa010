"""What a face shows of a planned edit of a user's file: what it does, and its diff."""

from __future__ import annotations

from typing import Literal

from carryover.outside.apply import Applied, Edit, diff

__all__ = ["Applied", "Edit", "diff", "does"]


def does(edit: Edit) -> Literal["created", "changed", "removed"]:
    """Says what would become of the file."""
    if edit.before is None:
        return "created"
    return "removed" if edit.after is None else "changed"
