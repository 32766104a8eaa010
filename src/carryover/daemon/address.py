"""The address of the control socket, also where the path is longer than a socket address may be."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from carryover.errors import ExitCode, UserError

LONGEST_ADDRESS: Final = 100
"""Bytes of a Unix socket's path that every system takes (Linux 108, macOS 104)."""


@contextmanager
def reachable(path: Path) -> Iterator[str]:
    """A string to bind or connect to `path` with, good while the block lasts.

    Raises UserError (REFUSED) where the path is too long and the system has no way round it.
    """
    if len(os.fsencode(path)) <= LONGEST_ADDRESS:
        yield str(path)
        return
    if sys.platform != "linux":
        raise UserError(
            f"The path {path} is too long for a socket on this system (more than {LONGEST_ADDRESS} bytes). "
            "Set CARRYOVER_HOME to a shorter path.",
            ExitCode.REFUSED,
        )
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
