"""A home folder, path by path, to be held against another."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

Tree = dict[str, tuple[int, bytes]]
"""What lies in a home: mode and content (nothing for a folder), by path."""


def tree(home: Path, *, taken: Callable[[str], bool]) -> Tree:
    """Those paths below `home` for which `taken` is true, relative to it."""
    paths = {str(path.relative_to(home)): path for path in home.rglob("*")}
    return {
        name: (stat.S_IMODE(path.lstat().st_mode), path.read_bytes() if path.is_file() else b"")
        for name, path in paths.items()
        if taken(name)
    }


def differing(one: Tree, other: Tree) -> list[str]:
    """The paths that are in only one of them, or not the same in both."""
    return sorted(path for path in one.keys() | other.keys() if one.get(path) != other.get(path))


def seen(entry: tuple[int, bytes] | None) -> str:
    """Mode and size, in words for the table."""
    return "absent" if entry is None else f"mode {entry[0]:o}, {len(entry[1])} bytes"
