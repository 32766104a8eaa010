"""A database is opened only where something may have changed: each opening is a change for all that watch."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from carryover.adapter.contract import Batch, FileStat
from carryover.readers import stat_cache
from carryover.readers.stat_cache import StatCachedReader

PATH = Path("/home/dev/state.vscdb")
START_MS = 1_772_442_000_000


class Counted:
    """A reader that gives `batch`, or raises `trouble`, and counts how often it was asked."""

    def __init__(self) -> None:
        self.seen = FileStat(5, (START_MS - 5_000) * 1_000_000 + 1)
        self.batch = Batch(records=(), cursor=b"1")
        self.trouble: OSError | None = None
        self.asked = 0

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        self.asked += 1
        if self.trouble is not None:
            raise self.trouble
        return self.batch

    def stat(self, path: Path) -> FileStat:
        return self.seen


class Sparing:
    """A reader with a cache at the time `now_ms`."""

    def __init__(self) -> None:
        self.inner = Counted()
        self.now_ms = START_MS
        self.reader = StatCachedReader(self.inner, lambda: self.now_ms)

    def asked(self, cursor: bytes | None = b"1") -> int:
        """How often the reader is asked for one read."""
        before = self.inner.asked
        self.reader.read(PATH, cursor)
        return self.inner.asked - before


@pytest.fixture
def spare() -> Sparing:
    return Sparing()


def test_what_has_not_changed_is_not_read_again(spare: Sparing) -> None:
    assert [spare.asked(None), spare.asked(), spare.asked()] == [1, 0, 0]
    spare.inner.seen = FileStat(6, spare.inner.seen.mtime_ns)
    assert [spare.asked(), spare.asked()] == [1, 0]
    spare.inner.seen = FileStat(6, spare.inner.seen.mtime_ns + 1)
    assert [spare.asked(), spare.asked()] == [1, 0]


@pytest.mark.parametrize(
    ("mtime_ns", "tick_ms"),
    [(START_MS * 1_000_000 + 5, stat_cache.FINE_MS), (START_MS * 1_000_000, stat_cache.COARSE_MS)],
)
def test_what_may_have_changed_within_a_tick_is_read_again(spare: Sparing, mtime_ns: int, tick_ms: int) -> None:
    spare.inner.seen = FileStat(5, mtime_ns)
    spare.now_ms += tick_ms
    assert [spare.asked(None), spare.asked()] == [1, 1]
    spare.now_ms += 1
    assert [spare.asked(), spare.asked()] == [1, 0]


def test_what_could_not_be_read_is_tried_again_after_a_while(spare: Sparing) -> None:
    spare.inner.trouble = OSError(errno.EAGAIN, "busy")
    for wait_ms, asked in ((0, 1), (100, 1), (1_000, 2), (100, 2)):
        spare.now_ms += wait_ms
        with pytest.raises(OSError):
            spare.reader.read(PATH, b"1")
        assert spare.inner.asked == asked
    spare.inner.seen, spare.inner.trouble = FileStat(9, 9), None
    assert spare.asked() == 1
