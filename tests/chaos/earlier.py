"""Ledgers as earlier versions left them: the present one, brought back to an earlier schema with what it holds."""

import sqlite3
import zlib
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

from carryover.ledger.codec import decode_body, unpack_digest
from carryover.ledger.schema import FORMER_NAMES, MIGRATIONS, migrate

COMPRESSED: Final = 9
"""From this version on, all bodies and digests may be compressed."""
SHORT_BYTES: Final = 128
"""Before that, what was shorter was not deflated, nor what was said."""
NAMES: Final = 5
"""From this version on, columns and events have their present names."""
RANKS: Final = 3
"""From this version on, a source has a rank, and events that do not count are kept."""

_TABLES: Final = """SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'
    AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'search_%' AND name != 'note'"""
"""But for notes, which the present version does not keep, and the index, which it makes again."""
_RANKED: Final = "SELECT agent FROM present.session WHERE rank != 0"
_WITHOUT_RANKED: Final = (
    f"DELETE FROM session WHERE agent IN ({_RANKED})",
    f"DELETE FROM source WHERE agent IN ({_RANKED})",
    "DELETE FROM thread WHERE session_id NOT IN (SELECT id FROM session)",
    "DELETE FROM event WHERE thread_id NOT IN (SELECT id FROM thread)",
)
"""What an agent with several kinds of sources has told could not be in a ledger without ranks."""


def bring_back(ledger: Path, version: int) -> None:
    """Replaces the ledger by one of that version, which has everything that a ledger of that version can hold."""
    fresh = ledger.with_name("earlier.sqlite")
    fresh.unlink(missing_ok=True)
    with closing(sqlite3.connect(fresh, isolation_level=None)) as db:
        migrate(db, fresh, MIGRATIONS[:version])
        db.create_function("former_body", 1, lambda body: _former_body(body, version))
        db.create_function("former_digest", 1, unpack_digest if version < COMPRESSED else lambda digest: digest)
        db.execute("ATTACH ? AS present", (str(ledger),))
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute("BEGIN")
        for (table,) in db.execute(_TABLES).fetchall():
            _copy(db, table, version)
        for statement in _WITHOUT_RANKED if version < RANKS else ():
            db.execute(statement)
        db.execute("COMMIT")
        db.execute("DETACH present")
    for end in ("-wal", "-shm"):
        ledger.with_name(ledger.name + end).unlink(missing_ok=True)
    fresh.replace(ledger)


def _copy(db: sqlite3.Connection, table: str, version: int) -> None:
    columns = [name for (_, name, *_) in db.execute(f"PRAGMA main.table_info({table})")]
    present = {former: name for (of, name), former in FORMER_NAMES.items() if of == table}
    former = {"body": "former_body(body)", "digest": "former_digest(digest)"}
    values = [former.get(name) or present.get(name, name) for name in columns]
    counting = " WHERE retracted = 0" if table == "event" and version < RANKS else ""
    db.execute(
        f"INSERT INTO main.{table} ({', '.join(columns)}) SELECT {', '.join(values)} FROM present.{table}{counting}"
    )


def _former_body(body: str | bytes, version: int) -> str | bytes:
    if version >= COMPRESSED:
        return body
    plain = msgspec.json.encode(decode_body(body))
    if version < NAMES:
        plain = plain.replace(b'{"kind":"retracted"', b'{"kind":"undone"', 1)
    said = plain.startswith((b'{"kind":"user_prompt"', b'{"kind":"assistant_message"', b'{"kind":"session_info"'))
    return plain.decode() if said or len(plain) < SHORT_BYTES else zlib.compress(plain, 4)
