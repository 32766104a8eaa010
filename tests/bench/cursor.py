"""Reading Cursor's database: how long the first read of a large one takes."""

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

from .cursor_store import make_cursor_store
from .measure import Row, compared, in_own_process

MS: Final = 1000.0
CONVERSATIONS: Final = 150


@dataclass(slots=True)
class Read:
    """What a first read came to. `first_s`: until the first batch, which holds the newest conversation, was folded."""

    events: int = 0
    batches: int = 0
    first_s: float = 0.0


def cursor(top: Path, megabytes: float) -> Iterator[Row]:
    """The first read, and when the newest conversation is there."""
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


def read_whole(path: Path) -> Read:
    """Read and fold all of it, as the daemon does batch by batch."""
    reader, source, context, cursor = EditorReader(), Source(agent="cursor", path=str(path)), Context(), None
    found = Read()
    begun = time.perf_counter()
    more = True
    while more:
        batch = reader.read(path, cursor)
        cursor, more = batch.cursor, batch.more
        for record in batch.records:
            context, folded = parse.parse_record(source, context, record)
            found.events += len(folded.events)
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
