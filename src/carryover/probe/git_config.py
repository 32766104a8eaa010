"""Reads as much of a repository's own configuration as shows that it names no program that git would run."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from carryover.fsio import is_gone, read_bytes_bounded

_LIMIT_BYTES: Final = 64 << 10
_MAY_NAME_PROGRAMS: Final = (b"filter", b"include")


def names_no_filter(root: Path) -> bool:
    """Whether the configuration that the repository at `root` brings certainly names no filter program.

    Spares a process of git where that can be seen: an ordinary checkout, whose configuration neither has the word nor
    includes another file. False where it may name one, or where its files are elsewhere, as a worktree's are. Blocks.
    """
    folder = root / ".git"
    if not folder.is_dir() or not is_gone(folder / "commondir"):
        return False
    return all(_is_harmless(folder / name) for name in ("config", "config.worktree"))


def _is_harmless(file: Path) -> bool:
    try:
        text = read_bytes_bounded(file, _LIMIT_BYTES).lower()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return not any(word in text for word in _MAY_NAME_PROGRAMS)
