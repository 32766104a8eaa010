"""Small files that are read whole, because their writer replaces or rewrites them."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Final

from carryover.adapter.contract import Stamp

MAX_BYTES: Final = 8 << 20


def content(path: Path, *, limit: int = MAX_BYTES) -> tuple[bytes | None, Stamp]:
    """What a file holds, and its size and time; None for the content where that is more than `limit` bytes.

    Raises FileNotFoundError when it is gone, OSError when it is no regular file or cannot be read.
    """
    # O_NONBLOCK: opening a FIFO that somebody left there must not hang; it means nothing for regular files.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        data = file.read(limit + 1)
    return (data if len(data) <= limit else None), Stamp(status.st_size, status.st_mtime_ns)
