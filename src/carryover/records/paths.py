"""Paths in records: absolute on the machine that wrote them, which need not be this one."""

from __future__ import annotations

import ntpath
import posixpath
import re
from typing import Final

_WINDOWS: Final = re.compile(r"[A-Za-z]:[\\/]|\\\\")


def is_absolute(path: str) -> bool:
    """Absolute on the machine that wrote the transcript, which need not be this one."""
    return path.startswith("/") or _WINDOWS.match(path) is not None


def resolved(path: str, cwd: str | None) -> str | None:
    """`path` as an absolute path, without `..`; None when it is relative and nobody knows to what.

    Of a Windows machine (Codex 0.48 to 0.87) with backslashes, since one session names a file in both ways.
    """
    if _WINDOWS.match(path):
        return ntpath.normpath(path)
    if not path.startswith("/"):
        if cwd is not None and _WINDOWS.match(cwd):
            return ntpath.normpath(ntpath.join(cwd, path))
        if cwd is None or not cwd.startswith("/"):
            return None
        path = posixpath.join(cwd, path)
    return posixpath.normpath(path)
