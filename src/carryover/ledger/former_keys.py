"""Events that were stored under a key of an earlier version get the key of this one, so that they do not count twice.

Everything runs inside the open transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import aiosqlite
import msgspec

from carryover.ledger.batch import Entry, in_parts
from carryover.ledger.codec import DamagedBody, decode_body
from carryover.model import AnyBody, FileEdit, Retracted, ToolCall, ToolResult

_KNOWN: Final = "SELECT key FROM event WHERE key IN ({})"
_STORED: Final = "SELECT key, body FROM event WHERE key IN ({})"
_ADOPT: Final = "UPDATE OR IGNORE event SET key = ? WHERE key = ?"


async def adopt_former(db: aiosqlite.Connection, entries: Sequence[Entry]) -> None:
    """Gives stored events their present keys, where the ledger has them under former ones only.

    A former key alone proves nothing, or there would be no other one now: what is stored under it must be the same.
    """
    former = {entry.former_key: entry for entry in entries if entry.former_key is not None}
    if not former:
        return
    known = {key for (key,) in await _rows(db, _KNOWN, [entry.key for entry in former.values()])}
    wanted = [key for key, entry in former.items() if entry.key not in known]
    adopted = [
        (former[key].key, key)
        for key, body in await _rows(db, _STORED, wanted)
        if _is_same(body, former[key].event.body)
    ]
    if adopted:
        await db.executemany(_ADOPT, adopted)


async def _rows(db: aiosqlite.Connection, query: str, keys: Sequence[bytes]) -> list[tuple[bytes, ...]]:
    found: list[tuple[bytes, ...]] = []
    for marks, some in in_parts(keys):
        found += [tuple(row) for row in await db.execute_fetchall(query.format(marks), some)]
    return found


def _is_same(stored: str | bytes, body: AnyBody) -> bool:
    try:
        return _without_ids(decode_body(stored)) == _without_ids(body)
    except DamagedBody:
        return False


def _without_ids(body: AnyBody) -> AnyBody:
    """The body without what is derived from keys."""
    if isinstance(body, ToolCall | ToolResult | FileEdit):
        return msgspec.structs.replace(body, call_id="")
    return Retracted(keys=()) if isinstance(body, Retracted) else body
