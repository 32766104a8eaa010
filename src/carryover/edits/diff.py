"""Renders an edit as a unified diff, for people who want to see it before it happens. Pure."""

from __future__ import annotations

import difflib
import re
from typing import Final

from carryover.edits.plan import Edit

_CONTEXT: Final = 3
_MARK: Final = "\0context"
_MARKED: Final = re.compile(rf"{_MARK}\d+(?=\n|\Z)")
_HUNK: Final = re.compile(r"@@ -(\d+)(,\d+)? \+(\d+)(,\d+)? @@")


def diff(edit: Edit) -> str:
    """The unified diff of an edit; empty when it changes nothing."""
    if not edit.changes:
        return ""
    old, new = _lines(edit.before), _lines(edit.after)
    skipped, old, new = _middle(old, new)
    name = str(edit.path)
    lines = difflib.unified_diff(
        old,
        new,
        "/dev/null" if edit.before is None else name,
        "/dev/null" if edit.after is None else name,
        n=_CONTEXT,
    )
    shown = [_moved(line, skipped) if line.startswith("@@") else _MARKED.sub("", line) for line in lines]
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in shown)


def _lines(data: bytes | None) -> list[str]:
    text = (data or b"").decode(errors="replace")
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _middle(old: list[str], new: list[str]) -> tuple[int, list[str], list[str]]:
    """The lines between the equal beginning and the equal end, with context. All of a large file would take seconds."""
    shorter = min(len(old), len(new))
    head = next((at for at in range(shorter) if old[at] != new[at]), shorter)
    tail = next((at for at in range(shorter - head) if old[-1 - at] != new[-1 - at]), shorter - head)
    skipped = max(0, head - _CONTEXT)

    def part(lines: list[str]) -> list[str]:
        end = len(lines) - tail
        return [*_marked(lines[skipped:head]), *lines[head:end], *_marked(lines[end : end + _CONTEXT], first=_CONTEXT)]

    return skipped, part(old), part(new)


def _marked(context: list[str], *, first: int = 0) -> list[str]:
    """Marks context lines so that they equal nothing but themselves: otherwise a change may slide to the cut, and a
    hunk without context after it would mean the end of the file."""
    bare = [line.removesuffix("\n") for line in context]
    return [
        f"{text}{_MARK}{number}{line[len(text) :]}"
        for number, (text, line) in enumerate(zip(bare, context, strict=True), first)
    ]


def _moved(header: str, skipped: int) -> str:
    return _HUNK.sub(
        lambda found: f"@@ -{int(found[1]) + skipped}{found[2] or ''} +{int(found[3]) + skipped}{found[4] or ''} @@",
        header,
    )
