"""Examines edited files. Blocking and bounded."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from carryover.facts import FileFacts, FileQuery
from carryover.probe.memory import known_answer, remember
from carryover.probe.source_code import Effort, examine, language_of
from carryover.text.boxes import boxes_in, is_document

LARGEST_BYTES: Final = 256 << 10
MOST_STEPS: Final = 8000
"""What may be parsed for one handoff, in steps of `Effort`: about 1 MiB of code, 0.2 s."""


def file_facts(
    root: Path, queries: Sequence[FileQuery], *, limit_bytes: int = 1 << 20, most_steps: int = MOST_STEPS
) -> dict[str, FileFacts]:
    """Returns facts by path, except for paths that lead out of `root`. Only regular files inside `root`, even after
    following symlinks, are read, and only up to `limit_bytes`; for anything else, and for code beyond `most_steps`,
    only its existence is reported. Never raises for a file."""
    real_root = os.path.realpath(root)
    effort = Effort(most_steps)
    found: dict[str, FileFacts] = {}
    for query in queries:
        path = os.path.normpath(root / query.path)
        if is_inside(path, os.path.normpath(root)):
            found[query.path] = _facts_of(path, real_root, query, limit_bytes, effort)
    return found


def is_inside(path: str, root: str) -> bool:
    """Whether `path` is below `root`, judging by their names."""
    return path.startswith(root.rstrip(os.sep) + os.sep)


def _facts_of(path: str, real_root: str, query: FileQuery, limit: int, effort: Effort) -> FileFacts:
    language = language_of(query.path)
    try:
        if not os.path.lexists(path):
            return FileFacts(exists=False)
        real = os.path.realpath(path)
        if (
            (language is None and not is_document(path))
            or not is_inside(real, real_root)
            or not stat.S_ISREG(os.lstat(real).st_mode)
        ):
            return FileFacts(exists=True)
        # O_NONBLOCK: if it has become a FIFO, opening it would wait for a writer.
        descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError:  # a NUL or a lone surrogate: no file can have that name
        return FileFacts(exists=False)
    except OSError:
        return FileFacts(exists=True)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        largest = limit if language else min(limit, LARGEST_BYTES)
        if not stat.S_ISREG(status.st_mode) or status.st_size > largest:
            return FileFacts(exists=True)
        stamp = (status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size)
        question = (real, query.line, query.anchor)
        known: tuple[FileFacts, int] | None = known_answer(question, stamp)
        if known is not None:
            facts, steps = known
            return facts if not steps or effort.spend(steps) else FileFacts(exists=True)
        source = file.read(limit)
    before = effort.left
    if language is None:
        facts = FileFacts(exists=True, boxes=boxes_in(source.decode("utf-8", "replace").splitlines()))
    else:
        facts = examine(source, language, _edited_line(source, query), effort)
    if facts != FileFacts(exists=True):  # else the parse was given up
        remember(question, stamp, (facts, before - effort.left))
    return facts


def _edited_line(source: bytes, query: FileQuery) -> int | None:
    """Returns the line (1-based) where the text of the last edit is now, nearest to where it was then."""
    wanted = (query.anchor or "").strip().encode("utf-8", "replace")
    lines = source.split(b"\n")
    places = [number for number, line in enumerate(lines, 1) if wanted and line.strip() == wanted]
    if places:
        return min(places, key=lambda number: abs(number - (query.line or 1)))
    return query.line if query.line is not None and query.line <= len(lines) else None
