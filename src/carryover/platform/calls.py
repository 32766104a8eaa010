"""Calls of the C library that Python does not have."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

Library = Callable[[], Any]
"""Returns the C library, or what a test has in its place: an object with functions that return 0 or set `errno`."""
_NOT_THERE: Final = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)
"""An old system, or a disk that can't do it."""


@cache
def library() -> Any:
    """Returns this process's C library."""
    import ctypes  # loaded at the first call

    return ctypes.CDLL(None, use_errno=True)


def call_system(function: Any, *arguments: Any) -> bool:
    """Calls a function that returns 0 or sets `errno`; returns whether the system and the disk have it. Raises
    OSError."""
    if function is None:
        return False
    if function(*arguments) == 0:
        return True
    import ctypes

    code = ctypes.get_errno()
    if code in _NOT_THERE:
        return False
    raise OSError(code, os.strerror(code))


def real_path(path: Path | str) -> str:
    """Returns a path with its links resolved, as far as they can be read. Raises FileNotFoundError for a relative one
    if the current folder is gone."""
    whole = path if str(path).startswith("/") else Path.cwd() / path
    try:
        return os.path.realpath(whole)
    except OSError:  # Python 3.11: a link that may not be read, as another process's folder, or was just taken away
        return os.path.normpath(whole)
