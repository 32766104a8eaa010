"""Reading Cursor's database: how long the first read of a large one takes."""

import json
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Final

from agents.cursor.stores import START_MS, Bubble, Chat, EditorStore, say, shell, user
from bench.measure import Row, compared, in_own_process
from carryover.adapter.contract import Source
from carryover.agents.cursor.adapter import parse
from carryover.agents.cursor.calls import CursorContext
from carryover.agents.cursor.editor import editor_reader

CONVERSATIONS: Final = 150
BUBBLES: Final = 120
FILLER_BYTES: Final = 9_000
_SIZE: Final = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"


@dataclass(slots=True)
class Read:
    events: int = 0
    batches: int = 0
    first_s: float = 0.0


def cursor(top: Path, megabytes: float) -> Iterator[Row]:
    """The first read, and when the newest conversation is there."""
    path = make_cursor_store(top / "cursor", megabytes=megabytes, conversations=CONVERSATIONS, seed=1)
    ours, bare = in_own_process(read_whole, path), in_own_process(read_bare, path)
    found: Read = ours.value
    about = f"{path.stat().st_size / 1e6:,.0f} MB, {bare.value:,} rows of {CONVERSATIONS} conversations"
    what = f"Cursor's database ({about}): first read and fold (bare: select and decode)"
    yield compared(what, ours.wall_s, bare.wall_s, "s")
    yield compared("the same: processor time", ours.cpu_s, bare.cpu_s, "s")
    if ours.peak_bytes and ours.start_bytes and bare.peak_bytes and bare.start_bytes:
        grown = ours.peak_bytes - ours.start_bytes, bare.peak_bytes - bare.start_bytes
        yield compared("the same: peak memory above the start", grown[0] / 1e6, grown[1] / 1e6, "MB")
    what = f"the same: until the newest conversation is there, in the first of {found.batches} batches"
    yield compared(what, found.first_s * 1000, None, "ms")


def read_whole(path: Path) -> Read:
    reader, source, context, cursor = editor_reader(), Source(agent="cursor", path=str(path)), CursorContext(), None
    found = Read()
    begun = time.perf_counter()
    more = True
    while more:
        batch = reader.read(path, cursor)
        cursor, more = batch.cursor, batch.more
        for record in batch.records:
            context, folded = parse(source, context, record)
            found.events += len(folded.events)
        found.batches += 1
        found.first_s = found.first_s or time.perf_counter() - begun
    return found


def read_bare(path: Path) -> int:
    decoded = 0
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        for prefix in ("composerData", "bubbleId"):
            query = "SELECT value FROM cursorDiskKV WHERE key >= ? AND key < ?"
            for (value,) in db.execute(query, (f"{prefix}:", f"{prefix};")):
                json.loads(value)
                decoded += 1
    return decoded


def make_cursor_store(user: Path, *, megabytes: float, conversations: int, seed: int) -> Path:
    """Writes a database of about that size, the same for the same seed, its newest conversation last."""
    chance = random.Random(seed)
    keys = cycle(("agentKv:blob:{}", "checkpointId:{}", "codeBlockDiff:{}", "messageRequestContext:{}"))
    with closing(EditorStore(user)) as store:
        store.db.execute("PRAGMA synchronous = OFF")
        for number in range(conversations):
            bubbles = [_bubble(at, chance.choice((80, 300, 900, 6_000))) for at in range(BUBBLES)]
            store.put(Chat(f"Task {number}", bubbles, start_ms=START_MS + number * 3_600_000))
            (size,) = store.db.execute(_SIZE).fetchone()
            store.db.execute("BEGIN")
            for _ in range(int(megabytes * 1e6 * (number + 1) / conversations - size) // FILLER_BYTES):
                key = next(keys).format(f"{chance.getrandbits(128):032x}")
                store.db.execute("INSERT INTO cursorDiskKV VALUES (?, zeroblob(?))", (key, FILLER_BYTES))
            store.db.execute("COMMIT")
        store.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return store.path


def _bubble(at: int, size: int) -> Bubble:
    if at % 6 == 0:
        return user(f"Make part {at} of the export work.")
    return (
        say("It works now. " * (size // 30 + 1)) if at % 6 == 5 else shell(f"make part{at}", "made one\n" * (size // 9))
    )
