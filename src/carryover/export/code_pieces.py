"""Turns uncommitted changes and the relevant files into pieces of a document."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from carryover.distill.relative_time import elapsed
from carryover.export.budget import Piece
from carryover.export.material import ChangedText, Material, TextFile
from carryover.export.project_facts import fence_name
from carryover.export.quoting import Safe, code_span, fenced, safe
from carryover.redact import CleanText

CHANGES: Final = "Uncommitted changes (git diff HEAD)"
FILES: Final = "Files, as they are now"
_CHANGE_RANK: Final = 40
_FILE_RANK: Final = 44
_STEP: Final = 8
_FILE_SHARE: Final = 0.3
_DAY_MS: Final = 86_400_000
_UNCOMMITTED: Final = 0.5
_REFERENCE: Final = 0.1
_MOST_REFERENCES: Final = 5
_SHORT_DIFF_LINES: Final = 60
_AROUND_LINES: Final = 40


def standing(file: TextFile, now_ms: int) -> float:
    """Returns a file's relevance: 1 for an edit just now, halved each day, plus bonuses.

    Uncommitted changes add to it, and so do the first five mentions.
    """
    recent = math.pow(0.5, max(0, now_ms - file.edited_ms) / _DAY_MS) if file.edited_ms else 0.0
    return recent + _UNCOMMITTED * file.changed + _REFERENCE * min(file.references, _MOST_REFERENCES)


def file_pieces(material: Material) -> Iterator[Piece]:
    """Yields the files, most relevant first. One that is too long is shown around its last edit."""
    ordered = sorted(material.files, key=lambda file: (-standing(file, material.now_ms), file.path))
    for number, file in enumerate(ordered):
        shown = safe(file.text)
        if not shown.text.strip():
            continue
        heading = f"### {code_span(file.path)}{_remarks(file, shown, material.now_ms)}\n\n"
        shorter, part = _excerpt(shown.text, file.line)
        name = fence_name(file.path)
        yield Piece(
            section=FILES,
            text=CleanText(f"{heading}{fenced(shown.text, name)}"),
            rank=_FILE_RANK + _STEP * number,
            label=file.path,
            shorter=CleanText(f"{heading}{fenced(shorter, name)}") if shorter is not None else None,
            part=part,
            share=_FILE_SHARE,
            path=file.path,
        )


def change_pieces(material: Material) -> Iterator[Piece]:
    """Yields the diffs file by file, most relevant first."""
    by_path = {file.path: standing(file, material.now_ms) for file in material.files}
    ordered = sorted(material.changes, key=lambda change: (-by_path.get(change.path, 0.0), change.path))
    for number, change in enumerate(ordered):
        rank = _CHANGE_RANK + _STEP * number
        if not change.diff:
            line = CleanText(f"- {code_span(change.path)}: {_counts(change)}")
            yield Piece(section=CHANGES, text=line, rank=rank, label=f"the diff of {change.path}")
            continue
        text = safe(change.diff).text
        lines = text.rstrip("\n").split("\n")
        short = fenced(CleanText("\n".join([*lines[:_SHORT_DIFF_LINES], "[...]"])), "diff")
        yield Piece(
            section=CHANGES,
            text=fenced(text, "diff"),
            rank=rank,
            label=f"the diff of {change.path}",
            shorter=short if len(lines) > _SHORT_DIFF_LINES else None,
            part=f"the first {_SHORT_DIFF_LINES} of {len(lines)} lines",
            path=change.path,
        )


def _counts(change: ChangedText) -> str:
    if change.gone:
        return "deleted"
    return (
        f"+{change.insertions} -{change.deletions}, not shown" if change.insertions or change.deletions else "not shown"
    )


def _remarks(file: TextFile, shown: Safe, now_ms: int) -> str:
    parts = [f"edited by an agent {elapsed(file.edited_ms, now_ms)} ago"] if file.edited_ms else []
    parts += ["uncommitted"] * file.changed
    if shown.hidden:
        parts.append(f"{shown.hidden} hidden character{'s' * (shown.hidden > 1)} taken out")
    return f" ({', '.join(parts)})" if parts else ""


def _excerpt(text: CleanText, line: int | None) -> tuple[CleanText | None, str]:
    """Returns the lines around the last edit, or the first ones; None if that is nearly the whole text."""
    lines = text.rstrip("\n").split("\n")
    middle = min(line or 1, len(lines))
    start = max(0, middle - 1 - _AROUND_LINES)
    end = min(len(lines), start + 2 * _AROUND_LINES)
    if end - start >= len(lines) * 0.8:
        return None, ""
    shown = [*(["[...]"] if start else []), *lines[start:end], *(["[...]"] if end < len(lines) else [])]
    return CleanText("\n".join(shown)), f"lines {start + 1} to {end} of {len(lines)}"
