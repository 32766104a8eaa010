"""Finds where git keeps the data of a checkout, from git's own small files, without starting git."""

from __future__ import annotations

import os
from pathlib import Path

from carryover.fsio import read_bytes_bounded


def git_dir_of(root: Path) -> Path | None:
    """Returns git's data folder for the checkout at `root`; None if that is not the top of a checkout."""
    entry = root / ".git"
    try:
        git_dir = entry if entry.is_dir() else named_in(entry, b"gitdir:")
        if git_dir is not None and os.path.lexists(git_dir / "HEAD"):
            return git_dir
    except OSError:  # not readable for this user
        pass
    return None


def named_in(file: Path, prefix: bytes = b"") -> Path | None:
    """Returns the path that one of git's small files contains, resolved against its folder; None if there is none."""
    try:
        data = read_bytes_bounded(file, 16_384)
    except OSError:
        return None
    if not data.startswith(prefix):
        return None
    name = os.fsdecode(data.removeprefix(prefix).strip())
    return Path(os.path.normpath(file.parent / name)) if name and "\0" not in name else None
