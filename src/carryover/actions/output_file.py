"""The file that a command writes to where the user says so (-o)."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from carryover.errors import UserError
from carryover.fsio import atomic_replace
from carryover.paths import expanded


def target(output: str) -> Path:
    """Returns the path that a file's name on the command line means; a link keeps its name."""
    return Path(os.path.abspath(expanded(output)))  # noqa: PTH100


def write_output(path: Path, data: bytes) -> bool:
    """Writes a file, which only the user can read if it is new; returns whether it is. Raises UserError."""
    try:
        is_new = not os.path.lexists(path)
        atomic_replace(path, data, mode=0o600 if is_new else None, follow=False)
    except OSError as error:
        raise unwritable(path, error) from error
    return is_new


def unwritable(path: Path, error: OSError) -> UserError:
    """Returns the error to raise for a file that can't be written."""
    do = "Make room there, or name" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "Name"
    return UserError(f"{path} can't be written: {error.strerror or error}. {do} another file.")
