"""What is on disk, asked so that a folder which may not be entered counts as not there and nothing is raised."""

from __future__ import annotations

import stat
from pathlib import Path


def is_folder(path: Path) -> bool:
    """A folder, or a link to one."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def is_there(path: Path) -> bool:
    """Also true of a link that leads nowhere: a program would write through it."""
    try:
        path.lstat()
    except (OSError, ValueError):
        return False
    return True
