"""The file that a command writes to where the user says so (-o)."""

from __future__ import annotations

import argparse
import os
import stat
from pathlib import Path

from carryover.errors import ExitCode, UserError, visible
from carryover.fsio import atomic_replace
from carryover.paths import expanded
from carryover.terminal.output import agree


def target(output: str) -> Path:
    """Returns the path that a file's name on the command line means; a link keeps its name."""
    return Path(os.path.abspath(expanded(output)))  # noqa: PTH100


def may_write(path: Path, args: argparse.Namespace) -> None:
    """Asks before an existing file is replaced. Raises UserError if it must not be, or is not a regular file."""
    try:
        if not os.path.lexists(path):
            return
        # Nor is a symlink accepted: one from a repository may lead to any file of the user's.
        if not stat.S_ISREG(path.lstat().st_mode):
            kind = "a symlink" if path.is_symlink() else "no file"
            raise UserError(f"{path} is {kind}, so nothing was written. Name a file with -o.", ExitCode.REFUSED)
    except OSError as error:
        raise unwritable(path, error) from error
    may_replace(path, "a file", args)


def may_replace(path: Path, what: str, args: argparse.Namespace) -> None:
    """Asks before `what` at `path` is replaced. Raises UserError if the user says no, or can't be asked."""
    is_there = f"{visible(str(path))} is {what} that is there already."
    agree(
        args,
        f"{is_there} Replace it?",
        nothing="written",
        otherwise=f"{is_there} Name another one, or replace it with --yes.",
    )


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
