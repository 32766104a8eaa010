"""Renders an edit as a unified diff for people. Pure."""

from __future__ import annotations

import difflib
import re

from carryover.edits.plan import Edit
from carryover.errors import visible


def diff(edit: Edit) -> str:
    """Returns the unified diff of an edit; empty if it changes nothing."""
    if not edit.changes:
        return ""
    name = visible(str(edit.path))
    lines = difflib.unified_diff(
        _lines(edit.before),
        _lines(edit.after),
        "/dev/null" if edit.before is None else name,
        "/dev/null" if edit.after is None else name,
    )
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _lines(data: bytes | None) -> list[str]:
    text = (data or b"").decode(errors="replace")
    return re.findall(r"[^\n]*\n|[^\n]+", text)
