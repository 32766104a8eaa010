"""The ledger as Carryover 0.1.0 would have left it: the present one, brought back to that schema with what it holds."""

from __future__ import annotations

import sqlite3
import zlib
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

from carryover.ledger.codec import decode_body
from carryover.ledger.frames import unpack_digest
from support.earlier_ledger import make_0_1_0

SHORT_BYTES: Final = 128
"""What was shorter was not deflated, nor what was said."""

_TABLES: Final = """SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'
    AND name NOT LIKE 'sqlite_%' AND name != 'note'"""
"""But for notes, which the present version does not keep."""
_VALUES: Final = {
    "sidechain": "subagent_id",
    "words": "fingerprint",
    "twin": "secondary_key",
    "undone": "retracted",
    "placed_id": "recorded_project_id",
    "apart": "not_moved",
    "body": "former_body(body)",
    "digest": "former_digest(digest)",
}
"""What takes the place of a column of then."""


def bring_back(ledger: Path) -> None:
    """Replaces the ledger by one of 0.1.0, which has everything that such a ledger can hold."""
    fresh = ledger.with_name("earlier.sqlite")
    fresh.unlink(missing_ok=True)
    with closing(sqlite3.connect(fresh, isolation_level=None)) as db:
        make_0_1_0(db)
        db.create_function("former_body", 1, _former_body)
        db.create_function("former_digest", 1, unpack_digest)
        db.execute("ATTACH ? AS present", (str(ledger),))
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute("BEGIN")
        for (table,) in db.execute(_TABLES).fetchall():
            columns = [name for (_, name, *_) in db.execute(f"PRAGMA main.table_info({table})")]
            values = ", ".join(_VALUES.get(name, name) for name in columns)
            db.execute(f"INSERT INTO main.{table} ({', '.join(columns)}) SELECT {values} FROM present.{table}")
        db.execute("COMMIT")
        db.execute("DETACH present")
    for end in ("-wal", "-shm"):
        ledger.with_name(ledger.name + end).unlink(missing_ok=True)
    fresh.replace(ledger)


def _former_body(body: str | bytes) -> str | bytes:
    plain = msgspec.json.encode(decode_body(body)).replace(b'{"kind":"retracted"', b'{"kind":"undone"', 1)
    said = plain.startswith((b'{"kind":"user_prompt"', b'{"kind":"assistant_message"', b'{"kind":"session_info"'))
    return plain.decode() if said or len(plain) < SHORT_BYTES else zlib.compress(plain, 4)
