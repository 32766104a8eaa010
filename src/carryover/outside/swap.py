"""Replaces a file that another program may be writing at the same moment, without overwriting what that wrote.

The new file and the old one change places in one step; then the old one is examined. If it is not what was read before,
or another program has it open for writing, they change back.
"""

from __future__ import annotations

import contextlib
import glob
import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from carryover.fsio import (
    FileStamp,
    file_stamp,
    is_there,
    open_regular,
    read_bytes_bounded,
    sync_folder,
    temporary_beside,
    written_beside,
)
from carryover.platform import here

_MOMENT_S: Final = 0.005
"""How long a program that had found the old file when it was replaced may take to open it."""
_MOST_EXCHANGES: Final = 100


class BeingChanged(OSError):
    """Another program changed the file after it was read; the file stays as that program left it."""

    def __init__(self) -> None:
        super().__init__("another program is changing it at this moment")


def swap(target: Path, before: bytes | None, after: bytes | None, *, mode: int | None = None) -> None:
    """Changes the file at `target`, a path without symlinks, from `before` to `after`. None means that there is no
    file.

    Modes are kept as by `atomic_replace`. Raises BeingChanged if the file has other content, and OSError; the file then
    stays. Where the system can't exchange two files, it is only read once more immediately before.
    """
    _check(target, before)
    if after is None:
        _remove(target, before)
    else:
        temporary = written_beside(target, after, mode=mode)
        try:
            _put(temporary, target, before, after)
        finally:
            temporary.unlink(missing_ok=True)
    sync_folder(target.parent)


def own_links(target: Path) -> list[Path]:
    """Returns the other names of a file that a process of ours was killed before it could remove."""
    with contextlib.suppress(OSError):
        if target.lstat().st_nlink > 1:
            return [path for path in target.parent.glob(f".{glob.escape(target.name)}.*.tmp") if path.samefile(target)]
    return []


def _check(target: Path, before: bytes | None) -> None:
    if not is_there(target) if before is None else _holds(target, before):
        return
    raise BeingChanged


def _put(temporary: Path, target: Path, before: bytes | None, after: bytes) -> None:
    if before is None:
        _move_to_free_name(temporary, target)
        return
    _check(target, before)  # again, since writing the new file took a while
    try:
        is_exchanged = here().exchange(temporary, target)
    except FileNotFoundError as error:
        raise BeingChanged from error
    if not is_exchanged:
        temporary.replace(target)
        return
    with _at_rest(temporary, partial(_holds, content=before)) as is_at_rest:
        if not is_at_rest:
            _give_back(temporary, target, after)
            raise BeingChanged


def _remove(target: Path, before: bytes | None) -> None:
    if before is None:
        return
    temporary = temporary_beside(target)
    target.rename(temporary)
    with _at_rest(temporary, partial(_holds, content=before)) as is_at_rest:
        if not is_at_rest:
            _move_to_free_name(temporary, target)
            raise BeingChanged
    temporary.unlink()


def _give_back(temporary: Path, target: Path, put: bytes) -> None:
    """Puts the old file back. If what comes out is not what was `put` there, it is newer, and goes back in turn."""
    is_as_put = partial(_holds, content=put)
    with contextlib.suppress(FileNotFoundError):  # the program has removed its file since
        for _ in range(_MOST_EXCHANGES):
            theirs = partial(_is, stamp=file_stamp(temporary))
            here().exchange(temporary, target)
            with _at_rest(temporary, is_as_put) as is_put:
                if is_put:
                    return
            is_as_put = theirs


def _move_to_free_name(temporary: Path, target: Path) -> None:
    """Raises BeingChanged if there is a file by now, which is then newer."""
    try:
        os.link(temporary, target, follow_symlinks=False)
    except FileExistsError as error:
        temporary.unlink()
        raise BeingChanged from error
    except OSError:  # a disk without hard links
        temporary.rename(target)
        return
    temporary.unlink()


@contextlib.contextmanager
def _at_rest(path: Path, is_as_before: Callable[[Path], bool]) -> Iterator[bool]:
    """Says whether the file is as before and nobody is writing to it. Who opens it meanwhile waits for the end."""
    try:
        descriptor = open_regular(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        yield False
        return
    try:
        is_at_rest = here().at_rest(descriptor) and is_as_before(path)
        time.sleep(_MOMENT_S)
        yield is_at_rest and here().at_rest(descriptor) and is_as_before(path)
    finally:
        os.close(descriptor)


def _holds(path: Path, content: bytes) -> bool:
    try:
        return read_bytes_bounded(path, len(content), follow=False) == content
    except OSError:
        return False


def _is(path: Path, stamp: FileStamp | None) -> bool:
    return file_stamp(path) == stamp
