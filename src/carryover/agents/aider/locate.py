"""Which files are Aider's histories: in the project itself, at the top of the repository or where settings say."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from carryover.adapter.contract import Source
from carryover.agents.aider.settings import moved_histories
from carryover.agents.aider.spec import SPEC

NAME: Final = ".aider.chat.history.md"
_HEADER: Final = b"# aider chat started at "


def source_of(path: Path, root: Path) -> Source | None:
    """The history that `path` is, by its name alone: it is directly in the root."""
    fits = path.parent == root and path.name == NAME
    return Source(agent=SPEC.id, path=str(path), group=str(root)) if fits else None


def sources(root: Path) -> list[Source]:
    """The histories of a project: the one at its top, and those that settings put elsewhere in it. A symlink may lead
    anywhere, so it is none."""
    paths = dict.fromkeys((root / NAME, *moved_histories(root)))
    return [Source(agent=SPEC.id, path=str(path), group=str(root)) for path in paths if _is_regular(path)]


def _is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def exported(path: Path, head: bytes) -> Source | None:
    """A history somewhere on disk, known by the header of its first session."""
    lines = (line for line in head.split(b"\n") if line.strip())
    begins = next(lines, b"").startswith(_HEADER)
    return Source(agent=SPEC.id, path=str(path)) if begins else None
