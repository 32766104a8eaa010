"""What an agent's hook told before its transcript has it: cleaned like any event, kept until the transcript has it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor

from carryover.facts import FindRoot, ProjectRoot
from carryover.ingest.clean import clean_entry
from carryover.ingest.pipeline import IngestResult, result_of
from carryover.ingest.preparing import roots_of_events
from carryover.ledger.prepared import Entry
from carryover.ledger.store import Ledger
from carryover.model import Event


async def ingest_provisional(
    ledger: Ledger,
    agent_id: str,
    events: Sequence[Event],
    *,
    root_of: FindRoot,
    now_ms: Callable[[], int],
    executor: Executor | None = None,
) -> IngestResult:
    """Store `events` beside those of the transcripts; `new_events` counts those that were not known in any form.

    Raises LedgerUnavailable and LedgerDamaged; nothing is then stored.
    """
    if not events:
        return IngestResult()
    loop = asyncio.get_running_loop()
    entries, roots = await loop.run_in_executor(executor, _cleaned, agent_id, events, root_of)
    return result_of(await ledger.add_provisional(agent_id, entries, roots, now_ms=now_ms()))


def _cleaned(
    agent_id: str, events: Sequence[Event], root_of: FindRoot
) -> tuple[tuple[Entry, ...], dict[str, ProjectRoot]]:
    return tuple(clean_entry(agent_id, event) for event in events), roots_of_events(events, root_of)
