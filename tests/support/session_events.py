"""Events of a session as the ledger gives them."""

from __future__ import annotations

from carryover.ledger.rows import StoredEvent
from carryover.model import AnyBody

BEGAN_MS = 1_795_156_858_000
"""2026-11-20 06:40:58 UTC."""


def stored(*bodies: AnyBody, subagent_id: str | None = None, retracted: bool = False) -> list[StoredEvent]:
    """One event a second."""
    return [
        StoredEvent(at_ms=BEGAN_MS + number * 1_000, subagent_id=subagent_id, body=body, retracted=retracted)
        for number, body in enumerate(bodies)
    ]
