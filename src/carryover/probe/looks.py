"""Examines folders whose disk may hang (a network drive, FUSE, a failing disk), in threads that can be given up.

A look at a folder that does not answer in time is left behind in its thread. Until it returns, nothing on that disk is
looked at, so that few threads get stuck. Everything that the daemon does in a project or in an agent's folder goes
through here, and so do commands that go through all projects.
"""

from __future__ import annotations

import _thread
import errno
import os
import threading
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from carryover.platform import here

KNOCK_S: Final = 0.5
"""How long a disk may take to tell whether a folder exists."""
WORK_S: Final = 20.0
"""How long anything in one folder may take once its disk has answered: longer than all questions to git together."""
_SOON_S: Final = 1.0
"""For a look that an agent waits for."""
_AGAIN_S: Final = 60.0
"""How often a silent disk is asked again if a look has not come back by itself: its question may be lost."""
MOST_STUCK: Final = 8
"""No disk is asked again while that many threads are stuck there."""

SILENT: Final = "its disk does not answer"
"""Why something could not be done, as a clause."""

_Item = TypeVar("_Item")
_T = TypeVar("_T")


class Silent(TimeoutError):
    """The disk of a folder does not answer."""

    def __init__(self, folder: Path) -> None:
        super().__init__(errno.ETIMEDOUT, SILENT, str(folder))


class _Silence:
    def __init__(self, since_s: float, again_s: float) -> None:
        self.since_s = since_s
        self.again_s = again_s
        self.stuck = 0


class _Here(threading.local):
    """The walk that this thread is on; None in a thread that was not started for one."""

    walk: _Walk[Any, Any] | None = None


class _Walk(Generic[_Item, _T]):
    """A thread on its way through folders. `tell` is called in it at the end."""

    def __init__(
        self,
        disks: Disks,
        items: list[tuple[_Item, Path]],
        look: Callable[[_Item], _T],
        *,
        soon: bool,
        tell: Callable[[], None] = lambda: None,
    ) -> None:
        self.folder = items[0][1]
        self._disks = disks
        self.given_up = False
        self._items = items
        self._look = look
        self._soon = soon
        self._tell = tell
        self._found: list[tuple[_Item, _T]] = []
        self._begin_s = time.monotonic()
        self._limit_s = self._begin_s + self._disks.knock_s
        self._error: BaseException | None = None
        self._has_ended = False
        self._end = threading.Lock()
        self._end.acquire()  # until the end
        self._silent: Path | None = None
        _thread.start_new_thread(self._run, ())  # nothing waits for it at the end, as it may be stuck

    def wait(self) -> None:
        """Returns at the end, or once it is given up."""
        while not self._end.acquire(timeout=self.left_s()):
            if self.is_over():
                return

    def left_s(self) -> float:
        return max(0.0, self._limit_s - time.monotonic())

    def is_over(self) -> bool:
        """Whether it has ended or is given up, as it is now if its folder has not answered in time."""
        with self._disks.lock:
            if not (self._has_ended or self.given_up) and time.monotonic() >= self._limit_s:
                self.given_up = True
                self._silent = self._disks.note_silence(self.folder)
            return self.given_up or self._has_ended

    def outcome(self) -> list[tuple[_Item, _T]]:
        """Returns what was found until the end or the first folder that does not answer. Raises what a look raised."""
        if self._error is not None and not self.given_up:
            raise self._error
        return self._found

    def take_in(self, items: list[tuple[Any, Path]], look: Callable[[Any], Any], *, soon: bool) -> list[Any]:
        """Looks at `items` in this thread, in the middle of another look, whose disk has answered."""
        outer = self.folder
        left_s = self.left_s()
        with self._disks.lock:
            answering = self._disks.disks_of(outer)
        found = []
        try:
            for item, folder in items:
                if self._disks.may_ask(folder, answering):
                    found.append((item, self._look_at(folder, partial(look, item), soon=soon)))
        finally:
            self._begin(outer, left_s)
        return found

    def _run(self) -> None:
        self._disks.here.walk = self
        try:
            for item, folder in self._items:
                result = self._look_at(folder, partial(self._look, item), soon=self._soon)
                with self._disks.lock:
                    self._disks.give_up_if_late()
                    self._found.append((item, result))
        except BaseException as error:
            self._error = error
        finally:
            with self._disks.lock:
                self._has_ended = True
                self._end.release()
                if self._silent is not None:
                    self._disks.silent.pop(self._silent, None)
            self._tell()

    def _look_at(self, folder: Path, look: Callable[[], Any], *, soon: bool) -> Any:
        self._begin(folder, self._disks.knock_s)
        with self._disks.lock:
            was_silent = bool(self._disks.disks_of(folder))
        with suppress(OSError, ValueError):  # whatever the disk answers
            folder.stat()
            if was_silent:  # what a folder is may still be known of a disk that is gone, not what is in it
                with os.scandir(folder) as entries:
                    next(entries, None)
        self._begin(folder, self._disks.soon_s if soon or self._soon else self._disks.work_s)
        result = look()
        with self._disks.lock:
            for disk in self._disks.disks_of(folder):
                del self._disks.silent[disk]
        return result

    def _begin(self, folder: Path, limit_s: float) -> None:
        with self._disks.lock:
            self._disks.give_up_if_late()
            self.folder = folder
            self._begin_s = time.monotonic()
            self._limit_s = self._begin_s + limit_s


class Disks:
    """The disks that are looked at, and what is known of those that do not answer.

    Times in seconds: a disk may take `knock_s` to tell whether a folder exists, and a look `work_s` after that, or
    `soon_s` if an agent waits for it. It is asked again every `again_s`.
    """

    def __init__(
        self, *, knock_s: float = KNOCK_S, work_s: float = WORK_S, soon_s: float = _SOON_S, again_s: float = _AGAIN_S
    ) -> None:
        self.knock_s, self.work_s, self.soon_s, self.again_s = knock_s, work_s, soon_s, again_s
        self.silent: dict[Path, _Silence] = {}
        """By folder or mount point. Times are of `time.monotonic()`."""
        self.lock: Final = threading.Lock()
        self.here: Final = _Here()

    def look_at(self, folder: Path | str, look: Callable[[], _T], *, soon: bool = False) -> _T:
        """Returns what `look`, which concerns `folder`, returns.

        Raises what it raises, and Silent if that takes longer than `work_s`, or than `soon_s` if it is wanted `soon`.
        `look` then continues in its thread, and may end at any later time; see `give_up_if_late`. A look within another
        one is part of that, is wanted as soon, and is given up with it.
        """
        for _, found in self.look_at_each([Path(folder)], lambda _folder: look(), soon=soon):
            return found
        raise Silent(Path(folder))

    async def looked_at(self, folder: Path | str, look: Callable[[], _T], *, soon: bool = False) -> _T:
        """Does what `look_at` does without blocking the event loop."""
        import asyncio  # not at the top: most commands do without it

        if not self.may_ask(Path(folder)):
            raise Silent(Path(folder))
        loop = asyncio.get_running_loop()
        ended = loop.create_future()

        def end() -> None:
            if not ended.done():  # its caller has given up
                ended.set_result(None)

        def tell() -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(end)

        walk = _Walk(self, [(None, Path(folder))], lambda _item: look(), soon=soon, tell=tell)
        # No timer is left behind, which would keep what was found for as long as the look might have taken.
        while not (ended.done() or walk.is_over()):
            await asyncio.wait([ended], timeout=walk.left_s())
        for _, found in walk.outcome():
            return found
        raise Silent(walk.folder)

    def look_at_each(
        self,
        items: Iterable[_Item],
        look: Callable[[_Item], _T],
        *,
        at: Callable[[_Item], Path] | None = None,
        soon: bool = False,
    ) -> list[tuple[_Item, _T]]:
        """Returns each item with what `look` returns for it, leaving out those on disks that do not answer.

        `at`: the item's folder. `soon`: as for `look_at`.
        """
        waiting = [(item, _path(item) if at is None else at(item)) for item in items]
        if (walk := self.here.walk) is not None:
            return walk.take_in(waiting, look, soon=soon)
        found: list[tuple[_Item, _T]] = []
        while waiting := [(item, folder) for item, folder in waiting if self.may_ask(folder)]:
            walk = _Walk(self, waiting, look, soon=soon)
            walk.wait()
            done = walk.outcome()
            found += done
            waiting = waiting[len(done) + 1 :]
        return found

    def give_up_if_late(self) -> None:
        """Raises Silent in a thread that nobody waits for any more: what it was about to write may be outdated."""
        if (walk := self.here.walk) is not None and walk.given_up:
            raise Silent(walk.folder)

    def presume_silent(self, folders: Iterable[str]) -> None:
        """Treats folders as silent for a while from now, since another process found that they do not answer.

        A thread that is stuck in the kernel may keep its process from ending, and a command must end.
        """
        now_s = time.monotonic()
        with self.lock:
            for folder in folders:
                silence = self.silent.setdefault(Path(folder), _Silence(since_s=now_s, again_s=now_s))
                silence.again_s = now_s + self.again_s

    def silent_folders(self) -> dict[str, float]:
        """Returns the folders or mount points that do not answer, each with the seconds since it was asked."""
        now_s = time.monotonic()
        with self.lock:
            return {str(folder): now_s - silence.since_s for folder, silence in sorted(self.silent.items())}

    def may_ask(self, folder: Path, answering: Collection[Path] = ()) -> bool:
        """Whether no silent disk of `folder` was asked lately, apart from those that are `answering` right now."""
        now_s = time.monotonic()
        with self.lock:
            silences = [self.silent[disk] for disk in self.disks_of(folder) if disk not in answering]
            if any(now_s < silence.again_s or silence.stuck >= MOST_STUCK for silence in silences):
                return False
            for silence in silences:
                silence.again_s = now_s + self.again_s
        return True

    def disks_of(self, folder: Path) -> list[Path]:
        """Returns the silent ones among those that `folder` is on."""
        return [disk for disk in self.silent if folder.is_relative_to(disk)] if self.silent else []

    def note_silence(self, folder: Path) -> Path:
        now_s = time.monotonic()
        [disk, *_] = (*self.disks_of(folder), _disk_of(folder))
        silence = self.silent.setdefault(disk, _Silence(since_s=now_s, again_s=now_s + self.again_s))
        silence.stuck += 1
        return disk


def _path(item: object) -> Path:
    return item if isinstance(item, Path) else Path(str(item))


def _disk_of(folder: Path) -> Path:
    """Returns where the disk of `folder` is mounted; the folder itself if the home folder is on the same one."""
    try:
        points = [Path(point) for point in here().mounts()]
    except OSError:
        return folder
    around = [point for point in points if folder.is_relative_to(point) and not Path.home().is_relative_to(point)]
    return max(around, key=lambda point: len(point.parts), default=folder)


DISKS: Final = Disks()
"""Those of this process."""
look_at: Final = DISKS.look_at
looked_at: Final = DISKS.looked_at
look_at_each: Final = DISKS.look_at_each
give_up_if_late: Final = DISKS.give_up_if_late
presume_silent: Final = DISKS.presume_silent
silent_folders: Final = DISKS.silent_folders
