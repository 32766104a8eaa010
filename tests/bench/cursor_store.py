"""A large database as Cursor's editor keeps it: mostly rows that nobody needs, and conversations strewn among them."""

from __future__ import annotations

import json
import random
import sqlite3
import uuid
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

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


@dataclass(frozen=True, slots=True)
class CursorStore:
    """Its conversations, oldest first, and how many rows there are."""

    path: Path
    conversations: tuple[str, ...]
    rows: int

    @property
    def size(self) -> int:
        return self.path.stat().st_size


def make_cursor_store(user: Path, *, megabytes: float, conversations: int, seed: int) -> CursorStore:
    """A database of about that size, the same for the same seed."""
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
