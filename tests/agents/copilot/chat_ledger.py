"""What a ledger counts of chats of VS Code."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from carryover.adapter.contract import Source
from carryover.agents.copilot.adapter import AGENT
from carryover.distill.stored_digest import DigestReducer
from carryover.facts import ProjectRoot
from carryover.ingest.pipeline import ingest
from carryover.ledger.queries import connect_read_only, session_by_prefix, session_events
from carryover.ledger.store import Ledger
from carryover.model import AnyBody, SessionInfo

LATER_MS = 4_000_000_000_000


async def counted(ledger_path: Path, sources: Iterable[Source], session: str) -> list[AnyBody]:
    """What counts of a session in a ledger after these sources were read, without facts about the session."""
    ledger = await Ledger.open(ledger_path, DigestReducer())
    try:
        for source in sources:
            result = await ingest(ledger, AGENT, source, root_of=ProjectRoot, now_ms=lambda: LATER_MS)
            assert result.error is None
    finally:
        await ledger.close()
    with closing(connect_read_only(ledger_path)) as db:
        events = session_events(db, session_by_prefix(db, session))
        return [event.body for event in events if not event.retracted and not isinstance(event.body, SessionInfo)]


def source_at(path: Path) -> Source:
    root = next(folder for folder in path.parents if AGENT.source_of(path, folder) is not None)
    source = AGENT.source_of(path, root)
    assert source is not None
    return source
