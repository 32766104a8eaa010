"""Reads the daemon's log, rotated files included, and can follow it. Works without a daemon."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from carryover.daemon.log import open_files
from carryover.errors import ExitCode, UserError
from carryover.past.context import state_dir


def log_lines(*, wait: Callable[[], bool] | None) -> Iterator[str]:
    """Returns the lines, oldest first.

    With `wait`, also those that are added, across rotations: an empty one means that everything has been read for now;
    then `wait` is called, and this ends when it returns False. Without it, raises UserError (NOTHING_FOUND) if there is
    no log.
    """
    log = state_dir().log
    if wait is None and not _exists(log):
        none = f"There is no log at {log}. carryoverd writes it when it runs: `carryover start`."
        raise UserError(none, ExitCode.NOTHING_FOUND)
    return _lines(log, wait)


def _exists(log: Path) -> bool:
    files = open_files(log)
    for file in files:
        file.close()
    return bool(files)


def _lines(log: Path, wait: Callable[[], bool] | None) -> Iterator[str]:
    """Yields the complete lines of the log, oldest first; with `wait`, an empty one where everything has been read."""
    files = open_files(log)
    try:
        while True:
            while len(files) > 1 or (files and wait is None):
                yield from _complete(files[0])
                if torn := files[0].read():  # its writer was killed before ending the line
                    yield torn.decode(errors="replace")
                files.pop(0).close()
            if wait is None:
                return
            if files:
                yield from _complete(files[0])
            yield ""
            if not wait():
                return
            files += open_files(log, newer_than=os.fstat(files[0].fileno()).st_ino if files else None)
            if files and os.fstat(files[0].fileno()).st_size < files[0].tell():  # it was truncated
                files[0].seek(0)
    finally:
        for file in files:
            file.close()


def _complete(file: BinaryIO) -> Iterator[str]:
    """Yields the complete lines from the current position, and leaves the position just past the last of them."""
    while (line := file.readline()).endswith(b"\n"):
        yield line[:-1].decode(errors="replace")
    file.seek(-len(line), os.SEEK_CUR)
