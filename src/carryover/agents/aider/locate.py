"""Which file is Aider's history: one in the project itself, at the top of the repository or where Aider was started."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from carryover.adapter.contract import Source
from carryover.agents.aider.spec import SPEC

NAME: Final = ".aider.chat.history.md"
_HEADER: Final = b"# aider chat started at "


def source_of(path: Path, root: Path) -> Source | None:
    """The history that `path` is, by its name alone: it is directly in the root."""
    fits = path.parent == root and path.name == NAME
    return Source(agent=SPEC.id, path=str(path), group=str(root)) if fits else None


def sources(root: Path) -> list[Source]:
    """The history in a folder, where there is one. A symlink may lead anywhere, so it is none."""
    path = root / NAME
    try:
        found = os.lstat(path)
    except OSError:
        return []
    source = source_of(path, root) if stat.S_ISREG(found.st_mode) else None
    return [source] if source is not None else []


def exported(path: Path, head: bytes) -> Source | None:
    """A history somewhere on disk, known by the header of its first session."""
    lines = (line for line in head.split(b"\n") if line.strip())
    begins = next(lines, b"").startswith(_HEADER)
    return Source(agent=SPEC.id, path=str(path)) if begins else None
