"""What counts of a session in a ledger after its sources were read."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Final

from carryover.adapter.contract import Agent, Source
from carryover.distill.stored_digest import DigestReducer
from carryover.facts import ProjectRoot
from carryover.ingest.pipeline import ingest
from carryover.ledger.events import session_events
from carryover.ledger.queries import connect_read_only, session_by_prefix
from carryover.ledger.rows import StoredEvent
from carryover.ledger.store import Ledger
from carryover.model import SessionInfo

LATER_MS: Final = 4_000_000_000_000


async def counted(agent: Agent, ledger_path: Path, sources: Iterable[Source], session: str) -> list[StoredEvent]:
    """Reads these sources into a ledger; the events of the session that count, without facts about it."""
    ledger = await Ledger.open(ledger_path, DigestReducer())
    try:
        for source in sources:
            result = await ingest(ledger, agent, source, root_of=ProjectRoot, now_ms=lambda: LATER_MS)
            assert result.error is None
    finally:
        await ledger.close()
    with closing(connect_read_only(ledger_path)) as db:
        events = session_events(db, session_by_prefix(db, session))
        return [event for event in events if not event.retracted and not isinstance(event.body, SessionInfo)]
