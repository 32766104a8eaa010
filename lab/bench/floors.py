"""What the machine allows: the same work done by the bare libraries, with nothing of Carryover in it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
from watchfiles import watch

ROWS_PER_TRANSACTION: Final = 500


class BareLine(msgspec.Struct):
    """The fields one needs of nearly every record; everything else is passed over by the decoder."""

    type: str
    uuid: str | None = None
    timestamp: str | None = None
    cwd: str | None = None
    sessionId: str | None = None  # noqa: N815 (the transcript's own name)
    message: msgspec.Raw = msgspec.Raw(b"null")


def read_and_decode(files: Iterable[Path]) -> int:
    decoder = msgspec.json.Decoder(BareLine)
    count = 0
    for file in files:
        with file.open("rb") as stream:
            for line in stream:
                decoder.decode(line)
                count += 1
    return count


def insert(path: Path, rows: int, row_bytes: int) -> None:
    """Insert as many rows as the product stored, of the same mean size, into a table with a unique key."""
    text = "x" * row_bytes
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute(
            "CREATE TABLE event (id INTEGER PRIMARY KEY, key BLOB UNIQUE, thread INTEGER, at_ms INTEGER, body TEXT)"
        )
        for start in range(0, rows, ROWS_PER_TRANSACTION):
            numbers = range(start, min(rows, start + ROWS_PER_TRANSACTION))
            db.execute("BEGIN IMMEDIATE")
            db.executemany(
                "INSERT INTO event (key, thread, at_ms, body) VALUES (?, ?, ?, ?)",
                [(os.urandom(16), 1, number, text) for number in numbers],
            )
            db.execute("COMMIT")


def first_read(files: Sequence[Path], path: Path, rows: int, row_bytes: int) -> None:
    read_and_decode(files)
    insert(path, rows, row_bytes)


def stat_all(files: Iterable[Path]) -> int:
    return sum(os.stat(file).st_size for file in files)  # noqa: PTH116 (a floor uses the cheapest call)


class AppendWatch:
    """Times from an append to the event, watchfiles alone."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "floor.jsonl"
        self._seen = threading.Event()

    def append(self) -> float:
        """Append one line; seconds until the change was reported."""
        self._seen.clear()
        started = time.perf_counter()
        with self._file.open("ab") as stream:
            stream.write(b'{"type":"user"}\n')
        if not self._seen.wait(10):
            raise TimeoutError("watchfiles reported no change within 10 s")
        return time.perf_counter() - started

    @classmethod
    @contextmanager
    def on(cls, folder: Path) -> Iterator[AppendWatch]:
        folder.mkdir(parents=True, exist_ok=True)
        appends = cls(folder)
        stop = threading.Event()

        def look() -> None:
            for _ in watch(folder, stop_event=stop, debounce=50, step=10, rust_timeout=200):
                appends._seen.set()

        thread = threading.Thread(target=look)
        thread.start()
        try:
            time.sleep(0.5)  # watchfiles does not tell when it has begun
            yield appends
        finally:
            stop.set()
            thread.join()
