"""Calls of Linux that Python does not have: when a file was made, and exchanging two files in one step."""

from __future__ import annotations

import errno
import os
import struct
from functools import cache
from pathlib import Path
from typing import Any, Final

_AT_FDCWD: Final = -100
_AT_SYMLINK_NOFOLLOW: Final = 0x100
_STATX_BTIME: Final = 0x800
_STATX_BYTES: Final = 256
_MASK: Final = struct.Struct("=I")
_BTIME: Final = struct.Struct("=qI")
_BTIME_AT: Final = 0x50
_RENAME_EXCHANGE: Final = 2
_NOT_THERE: Final = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)
"""An old system, or a disk that can't do it."""


def born_ns(path: Path) -> int | None:
    """Returns when the file at `path` was made (UTC ns), which nothing can set; None if the disk does not say.

    A symlink is not followed. Raises OSError.
    """
    found = os.lstat(path)
    if (born := getattr(found, "st_birthtime", None)) is not None:  # macOS
        return int(born * 1_000_000_000)
    import ctypes  # loaded at the first call

    buffer = ctypes.create_string_buffer(_STATX_BYTES)
    if not _called("statx", _AT_FDCWD, os.fsencode(path), _AT_SYMLINK_NOFOLLOW, _STATX_BTIME, buffer):
        return None
    [mask] = _MASK.unpack_from(buffer)
    seconds, ns = _BTIME.unpack_from(buffer, _BTIME_AT)
    return seconds * 1_000_000_000 + ns if mask & _STATX_BTIME else None


def exchange(one: Path, other: Path) -> bool:
    """Exchanges two files of one disk in one step; returns False if the system or the disk can't. Raises OSError."""
    return _called("renameat2", _AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)


def _called(name: str, *arguments: Any) -> bool:
    function = _function(name)
    if function is None:
        return False
    if function(*arguments) == 0:
        return True
    import ctypes

    code = ctypes.get_errno()
    if code in _NOT_THERE:
        return False
    raise OSError(code, os.strerror(code))


@cache
def _function(name: str) -> Any:
    import ctypes

    return getattr(ctypes.CDLL(None, use_errno=True), name, None)
