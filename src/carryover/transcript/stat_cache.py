"""Opens a database only if it may have changed.

SQLite opens a WAL for writing, even to read it, and closing a file that was open for writing is a change to anyone
who watches its folder (inotify; SQLite 3.40). So each read would cause the next one, without end.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Batch, FileStat
from carryover.clock import utc_now_ms

MAX_KNOWN: Final = 2_000
FINE_MS: Final = 100
COARSE_MS: Final = 2_000
"""A change this soon after another may leave the same time: file systems count in ticks, some in whole seconds."""
BETWEEN_FAILURES_MS: Final = 900


class Last(msgspec.Struct, frozen=True, kw_only=True):
    """The last read of a database. `cursor` is the hash of the cursor it returned; None if it failed."""

    stat: FileStat
    at_ms: int
    cursor: int | None
    more: bool = False
    due_ms: int | None = None


class StatCachedReader:
    """Calls `read` only if that may return something new, by what `stat` returns (see
    `carryover.adapter.contract.Reader`)."""

    def __init__(
        self,
        read: Callable[[Path, bytes | None], Batch],
        stat: Callable[[Path], FileStat],
        now_ms: Callable[[], int] = utc_now_ms,
    ) -> None:
        self._read, self._stat, self._now_ms = read, stat, now_ms
        self._last: dict[Path, Last] = {}

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """Returns what is new since `cursor`, without opening the database if it is unchanged."""
        stat = self._stat(path)  # before the read: a change in between is then read twice rather than never
        now_ms = self._now_ms()
        last = self._last.pop(path, None)
        if last is not None and last.stat == stat and last.at_ms <= now_ms:
            if last.cursor is None and now_ms < last.at_ms + BETWEEN_FAILURES_MS:
                self._note(path, last)
                raise OSError(errno.EAGAIN, "the database could not be read just now", str(path))
            if cursor is not None and last.cursor == hash(cursor) and _is_enough(last, now_ms):
                self._note(path, last)
                wait_s = None if last.due_ms is None else (last.due_ms - now_ms) / 1000
                return Batch(records=(), cursor=cursor, retry_after_s=wait_s)
        try:
            batch = self._read(path, cursor)
        except FileNotFoundError:
            raise
        except OSError:
            self._note(path, Last(stat=stat, at_ms=now_ms, cursor=None))
            raise
        due_ms = None if batch.retry_after_s is None else now_ms + int(batch.retry_after_s * 1000)
        known = hash(batch.cursor)
        last = Last(stat=stat, at_ms=now_ms, cursor=known, more=batch.more, due_ms=due_ms)
        self._note(path, last)
        if batch.retry_after_s is None and not batch.more and not has_rested(stat, now_ms):
            # Otherwise, if this process is killed, the next one would take a write within the same tick as read.
            return msgspec.structs.replace(batch, retry_after_s=_tick_ms(stat) / 1000)
        return batch

    def stat(self, path: Path) -> FileStat:
        """Returns the size and time by which a change is noticed."""
        return self._stat(path)

    def _note(self, path: Path, last: Last) -> None:
        self._last[path] = last
        while len(self._last) > MAX_KNOWN:
            del self._last[next(iter(self._last))]


def _is_enough(last: Last, now_ms: int) -> bool:
    """Whether an unchanged stat proves that the database is unchanged and nothing in it has become due."""
    return has_rested(last.stat, last.at_ms) and not last.more and (last.due_ms is None or now_ms < last.due_ms)


def has_rested(stat: FileStat, at_ms: int) -> bool:
    """Whether any change after a look at that time, which found this, would have changed the file's time."""
    return abs(at_ms - stat.mtime_ns // 1_000_000) > _tick_ms(stat)


def _tick_ms(stat: FileStat) -> int:
    return COARSE_MS if stat.mtime_ns % 1_000_000_000 == 0 else FINE_MS
