"""Asks before a command replaces the file that the user names (-o)."""

from __future__ import annotations

import argparse
import os
import stat
from pathlib import Path

from carryover.actions.output_file import unwritable
from carryover.errors import ExitCode, UserError, visible
from carryover.terminal.output import agree


def may_write(path: Path, args: argparse.Namespace) -> None:
    """Asks before an existing file is replaced.

    Raises UserError if it is not a regular file or in no folder, the user says no, or can't be asked.
    """
    try:
        if not os.path.lexists(path):
            os.stat(os.path.join(path.parent, "."))  # noqa: PTH116, PTH118 (a path would lose the dot, and take a file)
            return
        # Nor is a symlink accepted: one from a repository may lead to any file of the user's.
        if not stat.S_ISREG(path.lstat().st_mode):
            kind = "a symlink" if path.is_symlink() else "no file"
            raise UserError(f"{path} is {kind}, so nothing was written. Name a file with -o.", ExitCode.REFUSED)
    except OSError as error:
        raise unwritable(path, error) from error
    is_there = f"{visible(str(path))} is a file that is there already."
    agree(
        args,
        f"{is_there} Replace it?",
        nothing="written",
        otherwise=f"{is_there} Name another one, or replace it with --yes.",
    )
