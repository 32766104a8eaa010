"""What is only counted: records not understood, secrets taken out. Inside the transaction that is open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import aiosqlite

from carryover.ledger.prepared import Entry
from carryover.model import Skipped

_SKIPPED_ROWS: Final = 1000
_RECORD_TYPE_CHARS: Final = 80

_COUNT: Final = "INSERT INTO counter (name, n) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET n = n + excluded.n"
_COUNT_SKIPPED: Final = """INSERT INTO skipped (agent, agent_version, record_type, reason, n, last_ms)
    VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (agent, agent_version, record_type, reason)
    DO UPDATE SET n = n + excluded.n, last_ms = max(last_ms, excluded.last_ms)"""


async def count_stored(db: aiosqlite.Connection, stored: Iterable[Entry], oversized: int) -> None:
    """Count the secrets taken out of what was stored, and the records that were too long to be read."""
    counts: Counter[str] = Counter()
    for entry in stored:
        counts.update({f"redacted:{kind}": n for kind, n in entry.redacted.items()})
    if oversized:
        counts["oversized"] = oversized
    if counts:
        await db.executemany(_COUNT, list(counts.items()))


async def count_skipped(db: aiosqlite.Connection, agent: str, skipped: Sequence[Skipped], *, at_ms: int) -> None:
    """Count records that were not understood, by version, type and reason."""
    if not skipped:
        return
    ((rows,),) = await db.execute_fetchall("SELECT count(*) FROM skipped")
    # A source full of made-up types must not fill the table; the count is still right.
    crowded = rows >= _SKIPPED_ROWS
    counts = Counter(
        (skip.version or "", "(other)" if crowded else skip.record_type[:_RECORD_TYPE_CHARS], skip.reason)
        for skip in skipped
    )
    await db.executemany(_COUNT_SKIPPED, [(agent, *what, n, at_ms) for what, n in counts.items()])
