"""Paths in records: absolute on the machine that wrote them, which need not be this one."""

from __future__ import annotations

import posixpath
import re
from typing import Final

_WINDOWS: Final = re.compile(r"[A-Za-z]:[\\/]|\\\\")


def is_absolute(path: str) -> bool:
    """Absolute on the machine that wrote the transcript, which need not be this one."""
    return path.startswith("/") or _WINDOWS.match(path) is not None


def resolved(path: str, cwd: str | None) -> str | None:
    """`path` as an absolute path, without `..`; None when it is relative and nobody knows to what."""
    if _WINDOWS.match(path):
        return path
    if not path.startswith("/"):
        if cwd is None or not cwd.startswith("/"):
            return None
        path = posixpath.join(cwd, path)
    return posixpath.normpath(path)
