"""inotify: Linux tells what changed in folders, to a thread that sleeps until then."""

from __future__ import annotations

import errno
import os
import select
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final, Literal, Self

Kind = Literal["added", "modified", "deleted"]

_MODIFY: Final = 0x2
_ATTRIB: Final = 0x4
_MOVED_FROM: Final = 0x40
_MOVED_TO: Final = 0x80
_CREATE: Final = 0x100
_DELETE: Final = 0x200
_OVERFLOW: Final = 0x4000
_IGNORED: Final = 0x8000
_ONLYDIR: Final = 0x1000000
_ISDIR: Final = 0x40000000
_NEW: Final = _CREATE | _MOVED_TO
_GONE: Final = _DELETE | _MOVED_FROM
_WANTED: Final = _NEW | _GONE | _MODIFY | _ATTRIB | _ONLYDIR
_EVENT: Final = struct.Struct("iIII")
"""Watch, mask, cookie, length of the name that follows."""
_READ_BYTES: Final = 64 * 1024
_MOST_READS: Final = 64
"""More than the kernel keeps by default, so a folder that changes all the time does not hold up what it reports."""
_NOT_NOW: Final = (errno.ENOENT, errno.ENOTDIR, errno.EACCES)
"""The folder is gone, closed, or now a file."""


class Overflow(Exception):
    """The kernel did not keep all changes."""


class StopEvent(threading.Event):
    """An event whose `descriptor` is readable while it is set. Only one thread may set and clear it."""

    def __init__(self) -> None:
        super().__init__()
        self.descriptor, self._other = os.pipe()

    def set(self) -> None:
        if not self.is_set():
            os.write(self._other, b"s")
        super().set()

    def clear(self) -> None:
        if self.is_set():
            os.read(self.descriptor, 1)
        super().clear()

    def __del__(self) -> None:
        os.close(self.descriptor)
        os.close(self._other)


class Inotify:
    """Folders that are watched. As a context manager, for one thread.

    Entering it and `add` raise OSError at the system's limits, and so does `changes`, which adds new folders.
    """

    def __init__(self, libc: Any) -> None:
        self._libc = libc
        self._descriptor = -1
        self._deep = False
        self._folders: dict[int, str] = {}

    def __enter__(self) -> Self:
        self._descriptor = _checked(self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def add(self, top: str, *, deep: bool, most: int | None = None) -> None:
        """Watches a folder; if `deep`, also those below it, without following links, and those that come there later.

        `most`: how many folders may be watched in all. What cannot be read is left out.
        """
        self._deep = deep
        waiting = [top]
        while waiting and (most is None or len(self._folders) < most):
            folder = waiting.pop()
            # Before it is listed, so that a folder which comes meanwhile is in the list or is reported.
            if self._added(folder) and deep:
                with suppress(OSError), os.scandir(folder) as entries:
                    waiting += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]

    def wait(self, stop: StopEvent, timeout_s: float) -> bool:
        """Returns whether something changed before `stop` was set or the time was over."""
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        poll.register(stop.descriptor, select.POLLIN)
        return any(descriptor == self._descriptor for descriptor, _ in poll.poll(timeout_s * 1000))

    def changes(self) -> set[tuple[Kind, str]]:
        """Returns what has changed since the last call, without waiting. Raises Overflow."""
        found: set[tuple[Kind, str]] = set()
        for watch, mask, name in self._events():
            if mask & _OVERFLOW:
                raise Overflow
            folder = self._folders.get(watch)
            if mask & _IGNORED:
                self._folders.pop(watch, None)
            if folder is None or not name:  # of a folder that was moved away, or of a watched one itself
                continue
            path = f"{folder}/{name}"
            found.add(("added" if mask & _NEW else "deleted" if mask & _GONE else "modified", path))
            if self._deep and mask & _ISDIR and mask & _MOVED_FROM:
                self._remove(path)
            if self._deep and mask & _ISDIR and mask & _NEW:
                self.add(path, deep=True)
        return found

    def _events(self) -> Iterator[tuple[int, int, str]]:
        for _ in range(_MOST_READS):
            try:
                read = os.read(self._descriptor, _READ_BYTES)
            except BlockingIOError:
                return
            at = 0
            while at < len(read):
                watch, mask, _cookie, length = _EVENT.unpack_from(read, at)
                at += _EVENT.size + length
                yield watch, mask, os.fsdecode(read[at - length : at].rstrip(b"\0"))

    def _added(self, folder: str) -> bool:
        try:
            watch = _checked(self._libc.inotify_add_watch(self._descriptor, os.fsencode(folder), _WANTED))
        except OSError as error:
            if error.errno in _NOT_NOW:
                return False
            raise
        self._folders[watch] = folder
        return True

    def _remove(self, top: str) -> None:
        """Watches no more what was moved away with `top`, whose changes would be reported by its old name."""
        for watch, folder in list(self._folders.items()):
            if folder == top or folder.startswith(f"{top}/"):
                self._libc.inotify_rm_watch(self._descriptor, watch)
                del self._folders[watch]


def _checked(result: int) -> int:
    if result < 0:
        import ctypes

        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
