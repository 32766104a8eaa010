"""Stores the tokens that agents recorded, and how much of a usage limit they said was used."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from msgspec.structs import astuple

from carryover.adapter.contract import Source
from carryover.ledger import tombstones
from carryover.ledger.batch import PreparedBatch, identity
from carryover.model import TokensUsed

# A session without events has no row yet, and one with a better source is told by that. What a record says later, with
# more output, replaces what was written while the answer was still coming.
_PUT: Final = """INSERT INTO tokens (key, session_id, at_ms, model, input, output, cache_read, cache_write)
    SELECT ?1, id, ?4, ?5, ?6, ?7, ?8, ?9 FROM session WHERE agent = ?2 AND native_id = ?3 AND rank <= ?10
    ON CONFLICT (key) DO UPDATE SET input = excluded.input, output = excluded.output,
        cache_read = excluded.cache_read, cache_write = excluded.cache_write WHERE excluded.output > output"""
_PUT_WINDOW: Final = """INSERT INTO limit_window (agent, name, at_ms, used_percent, minutes, resets_ms)
    VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (agent, name) DO UPDATE SET at_ms = excluded.at_ms,
        used_percent = excluded.used_percent, minutes = excluded.minutes, resets_ms = excluded.resets_ms
        WHERE excluded.at_ms >= at_ms"""


def store(db: sqlite3.Connection, source: Source, prepared: PreparedBatch, *, any_forgotten: bool) -> None:
    """Stores the tokens and windows of a batch inside the open transaction, after its events."""
    used: Sequence[TokensUsed] = prepared.tokens
    if used and any_forgotten and not source.forgotten_too:
        used = tombstones.tokens_not_forgotten(db, source.agent, used)
    if used:
        rows = (
            (
                identity(b"tokens", source.agent, one.key),
                source.agent,
                one.session,
                one.at_ms,
                one.model or "",
                one.input,
                one.output,
                one.cache_read,
                one.cache_write,
                source.rank,
            )
            for one in used
        )
        db.executemany(_PUT, rows)
    if prepared.windows:
        db.executemany(_PUT_WINDOW, [(source.agent, *astuple(window)) for window in prepared.windows])
