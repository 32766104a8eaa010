"""The file that a command writes to where the user says so (-o)."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from carryover.errors import ExitCode, UserError, visible
from carryover.fsio import atomic_replace
from carryover.paths import expanded
from carryover.terminal.output import can_ask, confirmed


def target(output: str) -> Path:
    """Returns the path that -o names."""
    return Path(os.path.abspath(expanded(output)))  # noqa: PTH100 (a link keeps its name)


def may_write(path: Path, *, ask: bool) -> bool:
    """Whether `path` may be written. An existing file is replaced only if the user agrees.

    Raises UserError (REFUSED) if it is not a regular file, or if there is no one to ask.
    """
    try:
        if not os.path.lexists(path):
            return True
        # Nor is a symlink accepted: one from a repository may lead to any file of the user's.
        if not stat.S_ISREG(path.lstat().st_mode):
            kind = "a symlink" if path.is_symlink() else "no file"
            raise UserError(f"{path} is {kind}, so nothing was written. Name a file with -o.", ExitCode.REFUSED)
    except OSError as error:
        raise unwritable(path, error) from error
    return may_replace(path, "a file", ask=ask)


def may_replace(path: Path, what: str, *, ask: bool) -> bool:
    """Whether `what` at `path` may be replaced; asks if `ask`. Raises UserError (REFUSED) if there is no terminal."""
    if not ask:
        return True
    if not can_ask():
        raise UserError(
            f"{path} is there already, so nothing was written. Name another one, or replace it with --yes.",
            ExitCode.REFUSED,
        )
    return confirmed(f"{visible(str(path))} is {what} that is there already. Replace it? [y/N]")


def write(path: Path, data: bytes) -> bool:
    """Writes a file, which only the user can read if it is new; returns whether it is. Raises UserError."""
    try:
        is_new = not os.path.lexists(path)
        atomic_replace(path, data, mode=0o600 if is_new else None, follow=False)
    except OSError as error:
        raise unwritable(path, error) from error
    return is_new


def unwritable(path: Path, error: OSError) -> UserError:
    """Returns the error to raise for a file that can't be written."""
    return UserError(f"{path} can't be written: {error.strerror or error}. Name another file with -o.")
