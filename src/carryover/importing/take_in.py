"""Imports a document from its beginning, even if parts were read before, since those may have been forgotten."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor

import msgspec

from carryover.facts import FindRoot
from carryover.importing.document import Document
from carryover.ingest.pipeline import IngestResult, ingest
from carryover.ledger.store import Ledger


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """The result of an import."""

    new_events: int = 0
    forgotten: int = 0
    """Number of events left out because the user had them forgotten."""
    problem: str | None = None
    """Why it was not read to the end, as a sentence; what was read before the problem is kept."""


async def take_in(
    ledger: Ledger,
    document: Document,
    *,
    again: bool,
    root_of: FindRoot,
    now_ms: Callable[[], int],
    executor: Executor | None = None,
) -> IngestResult:
    """Reads the whole document; with `again`, also forgotten events. Raises as `ingest` does."""
    await ledger.give_up_position(document.source)
    source = msgspec.structs.replace(document.source, forgotten_too=again)
    return await ingest(ledger, document.agent, source, root_of=root_of, now_ms=now_ms, executor=executor)
