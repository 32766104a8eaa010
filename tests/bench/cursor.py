"""Reading Cursor's database: how long the first read of a large one takes, and a look at it afterwards."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from carryover.adapter.contract import Source
from carryover.agents.cursor import parse
from carryover.agents.cursor.context import Context
from carryover.agents.cursor.editor import EditorReader

from .cursor_store import CursorStore, Typist, make_cursor_store
from .measure import Row, at, compared, in_own_process

MS: Final = 1000.0
CONVERSATIONS: Final = 150
CHANGES: Final = 30
LOOKS: Final = 50


@dataclass(slots=True)
class Read:
    """What a first read came to. `first_s`: until the first batch, which holds the newest conversation, was folded."""

    events: int = 0
    batches: int = 0
    first_s: float = 0.0


def cursor(top: Path, megabytes: float) -> Iterator[Row]:
    """First read, a change, and a look at a database that did not change."""
    store = make_cursor_store(top / "cursor", megabytes=megabytes, conversations=CONVERSATIONS, seed=1)
    ours = in_own_process(read_whole, store.path)
    bare = in_own_process(read_bare, store.path)
    about = f"{store.size / 1e6:,.0f} MB, {store.rows:,} rows, {len(store.conversations)} conversations"
    what = f"Cursor's database ({about}): first read and fold (bare: select and decode)"
    yield compared(what, ours.wall_s, bare.wall_s, "s")
    yield compared("the same: processor time", ours.cpu_s, bare.cpu_s, "s")
    if ours.peak_bytes and ours.start_bytes and bare.peak_bytes and bare.start_bytes:
        grown = ours.peak_bytes - ours.start_bytes, bare.peak_bytes - bare.start_bytes
        yield compared("the same: peak memory above the start", grown[0] / 1e6, grown[1] / 1e6, "MB")
    found: Read = ours.value
    yield Row(
        f"the same: until the newest conversation is there, in the first of {found.batches} batches",
        f"{found.first_s * MS:.1f} ms",
    )
    yield from _looks(store)


def read_whole(path: Path) -> Read:
    """Read and fold all of it, as the daemon does batch by batch."""
    reading = _Reading(path)
    found = Read()
    begun = time.perf_counter()
    more = True
    while more:
        events, more = reading.step()
        found.events += events
        found.batches += 1
        found.first_s = found.first_s or time.perf_counter() - begun
    return found


def read_bare(path: Path) -> int:
    """The same rows with nothing but SQLite and a JSON decoder."""
    decoded = 0
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        for prefix in ("composerData", "bubbleId"):
            query = "SELECT value FROM cursorDiskKV WHERE key >= ? AND key < ?"
            for (value,) in db.execute(query, (f"{prefix}:", f"{prefix};")):
                json.loads(value)
                decoded += 1
    return decoded


class _Reading:
    def __init__(self, path: Path) -> None:
        self._reader = EditorReader()
        self._source = Source(agent="cursor", path=str(path))
        self._context = Context()
        self._cursor: bytes | None = None

    def step(self) -> tuple[int, bool]:
        """Read and fold a batch: the number of its events, and whether there is more."""
        batch = self._reader.read(Path(self._source.path), self._cursor)
        self._cursor = batch.cursor
        events = 0
        for record in batch.records:
            self._context, folded = parse.parse_record(self._source, self._context, record)
            events += len(folded.events)
        return events, batch.more


def _looks(store: CursorStore) -> Iterator[Row]:
    """A bubble more, and nothing more, with the editor's connection open."""
    reading = _Reading(store.path)
    with closing(Typist(store)) as typist:
        typist.append()
        while reading.step()[1]:
            pass
        ours, bare = [], []
        for _ in range(CHANGES):
            bubble_id = typist.append()
            ours.append(_timed_step(reading, news=True))
            bare.append(_bare_look(store, bubble_id))
        idle = [_timed_step(reading, news=False) for _ in range(LOOKS)]
        opened = [_bare_open(store) for _ in range(LOOKS)]
    what = "a bubble more in Cursor's database: read and folded (bare: open, select conversation and bubble, decode)"
    yield compared(f"{what}, p50 of {CHANGES}", at(ours, 0.5) * MS, at(bare, 0.5) * MS, "ms")
    what = f"a look at Cursor's database without news, p50 of {LOOKS} (bare: open, select of one row)"
    yield compared(what, at(idle, 0.5) * MS, at(opened, 0.5) * MS, "ms")


def _timed_step(reading: _Reading, *, news: bool) -> float:
    started = time.perf_counter()
    events, _ = reading.step()
    took = time.perf_counter() - started
    if (events > 0) != news:
        raise AssertionError(f"{events} events came of a look")
    return took


def _bare_look(store: CursorStore, bubble_id: str) -> float:
    started = time.perf_counter()
    with closing(sqlite3.connect(f"file:{store.path}?mode=ro", uri=True)) as db:
        for key in (f"composerData:{store.newest}", f"bubbleId:{store.newest}:{bubble_id}"):
            json.loads(db.execute("SELECT value FROM cursorDiskKV WHERE key = ?", (key,)).fetchone()[0])
    return time.perf_counter() - started


def _bare_open(store: CursorStore) -> float:
    started = time.perf_counter()
    with closing(sqlite3.connect(f"file:{store.path}?mode=ro", uri=True)) as db:
        db.execute("SELECT key FROM cursorDiskKV ORDER BY rowid DESC LIMIT 1").fetchone()
    return time.perf_counter() - started
