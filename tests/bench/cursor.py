"""Reading Cursor's database: how long the first read of a large one takes."""

from __future__ import annotations

import json
import random
import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.measure import Row, compared, in_own_process
from carryover.adapter.contract import Source
from carryover.agents.cursor import parse
from carryover.agents.cursor.editor import EditorReader
from carryover.agents.cursor.wire import Context

MS: Final = 1000.0
CONVERSATIONS: Final = 150
BUBBLES: Final = 120
FILLER_BYTES: Final = 9_000
"""About as much a row as in reports of databases with 200,000 rows in 2 GB."""
START_MS: Final = 1_772_442_000_000
_KV: Final = "CREATE TABLE {} (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB)"
_HEADS: Final = (
    "CREATE TABLE composerHeaders (composerId TEXT PRIMARY KEY, workspaceId TEXT, createdAt INTEGER, "
    "lastUpdatedAt INTEGER, isArchived INTEGER, isSubagent INTEGER, recency INTEGER, checkpointAt INTEGER, value TEXT)"
)
_PUT: Final = "INSERT INTO cursorDiskKV (key, value) VALUES (?, ?)"


@dataclass(slots=True)
class Read:
    events: int = 0
    batches: int = 0
    first_s: float = 0.0


def cursor(top: Path, megabytes: float) -> Iterator[Row]:
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
    decoded = 0
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        for prefix in ("composerData", "bubbleId"):
            query = "SELECT value FROM cursorDiskKV WHERE key >= ? AND key < ?"
            for (value,) in db.execute(query, (f"{prefix}:", f"{prefix};")):
                json.loads(value)
                decoded += 1
    return decoded


@dataclass(frozen=True, slots=True)
class CursorStore:
    path: Path
    conversations: tuple[str, ...]
    rows: int

    @property
    def size(self) -> int:
        return self.path.stat().st_size


def make_cursor_store(user: Path, *, megabytes: float, conversations: int, seed: int) -> CursorStore:
    path = user / "globalStorage" / "state.vscdb"
    path.parent.mkdir(parents=True)
    chance = random.Random(seed)
    idents = tuple(str(uuid.UUID(int=chance.getrandbits(128), version=4)) for _ in range(conversations))
    talk_bytes = 0
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = OFF")
        for table in ("ItemTable", "cursorDiskKV"):
            db.execute(_KV.format(table))
        db.execute(_HEADS)
        for number, ident in enumerate(idents):
            db.execute("BEGIN")
            talk_bytes += _put(db, ident, number, BUBBLES, chance)
            left = megabytes * 1e6 * (number + 1) / conversations - talk_bytes * 1.05
            _fill(db, int(left), chance)
            talk_bytes += max(0, int(left))
            db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (rows,) = db.execute("SELECT count(*) FROM cursorDiskKV").fetchone()
    return CursorStore(path, idents, rows)


def _put(db: sqlite3.Connection, ident: str, number: int, length: int, chance: random.Random) -> int:
    used = 0
    for at in range(length):
        bubble_id, bubble = _bubble(ident, at, number, size=chance.choice((80, 300, 900, 6_000)))
        data = json.dumps(bubble).encode()
        used += len(data)
        db.execute(_PUT, (f"bubbleId:{ident}:{bubble_id}", data))
    return used + _put_head(db, ident, number, length)


def _put_head(db: sqlite3.Connection, ident: str, number: int, length: int) -> int:
    updated_ms = _at_ms(number, length)
    place = {"id": "w", "uri": {"fsPath": "/home/dev/demo", "scheme": "file"}}
    head = {"composerId": ident, "name": f"Task {number}", "lastUpdatedAt": updated_ms, "workspaceIdentifier": place}
    headers = [
        {"bubbleId": _bubble_id(ident, at), "type": 1 if at % 6 == 0 else 2, "createdAt": _at_ms(number, at)}
        for at in range(length)
    ]
    data = json.dumps({**head, "status": "completed", "_v": 16, "fullConversationHeadersOnly": headers}).encode()
    db.execute(_PUT, (f"composerData:{ident}", data))
    row = (ident, "w", _at_ms(number, 0), updated_ms, 0, 0, updated_ms, None, json.dumps(head))
    db.execute("INSERT OR REPLACE INTO composerHeaders VALUES (?,?,?,?,?,?,?,?,?)", row)
    return len(data)


def _bubble(ident: str, at: int, number: int, *, size: int = 80) -> tuple[str, dict[str, Any]]:
    bubble_id = _bubble_id(ident, at)
    bubble: dict[str, Any] = {"_v": 3, "bubbleId": bubble_id, "type": 2, "text": "", "createdAt": _at_ms(number, at)}
    if at % 6 == 0:
        bubble |= {"type": 1, "text": f"Make part {at} of the export work."}
    elif at % 6 == 5:
        bubble |= {"text": "It works now. " * (size // 30 + 1)}
    else:
        data = {"name": "run_terminal_command_v2", "toolCallId": f"t{at}", "status": "completed"}
        data["params"] = json.dumps({"command": f"make part{at}"})
        data["result"] = json.dumps({"output": "compiled a file\n" * (size // 16), "exitCode": 0})
        bubble |= {"capabilityType": 15, "toolFormerData": data}
    return bubble_id, bubble


def _bubble_id(ident: str, at: int) -> str:
    return str(uuid.uuid5(uuid.UUID(ident), str(at)))


def _at_ms(number: int, at: int) -> int:
    return START_MS + number * 3_600_000 + at * 10_000


def _fill(db: sqlite3.Connection, size: int, chance: random.Random) -> None:
    keys = ("agentKv:blob:{}", "checkpointId:{}", "codeBlockDiff:{}", "messageRequestContext:{}")
    for at in range(max(0, size) // FILLER_BYTES):
        key = keys[at % len(keys)].format(f"{chance.getrandbits(128):032x}")
        db.execute("INSERT INTO cursorDiskKV (key, value) VALUES (?, zeroblob(?))", (key, FILLER_BYTES))
