"""Imports a document from its beginning, even if parts were read before, since those may have been forgotten."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path

import msgspec

from carryover.facts import FindRoot
from carryover.importing.turns import Document
from carryover.ingest.pipeline import IngestResult, ingest
from carryover.ledger.store import Ledger
from carryover.model import UserPrompt
from carryover.readers.jsonl import JsonlReader


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


class Survey(msgspec.Struct, kw_only=True):
    """A summary of a document. Times are UTC ms, 0 if it has none."""

    folders: dict[str, str | None]
    """The first working folder of each session, by session id; None if the document names none."""
    prompts: int = 0
    """Number of prompts that people typed."""
    events: int = 0
    first_ms: int = 0
    last_ms: int = 0
    skipped: int = 0
    """Number of records that were not understood."""
    oversized: int = 0
    """Number of records too long to be read."""
    torn: bool = False
    """Whether its last line is incomplete."""


def survey(document: Document) -> Survey:
    """Reads the whole document. Blocking. Raises OSError if it can't be read."""
    agent, path = document.agent, Path(document.source.path)
    context, cursor, more = agent.context_type(), None, True
    found = Survey(folders={})
    while more:
        batch = agent.reader.read(path, cursor)
        for record in batch.records:
            context, parsed = agent.parse(document.source, context, record)
            found.skipped += len(parsed.skipped)
            for event in parsed.events:
                found.events += 1
                found.prompts += isinstance(event.body, UserPrompt) and event.body.actor == "human"
                if found.folders.get(event.session) is None:
                    found.folders[event.session] = event.cwd
                if event.at_ms > 0:
                    found.first_ms = min(found.first_ms or event.at_ms, event.at_ms)
                    found.last_ms = max(found.last_ms, event.at_ms)
        found.oversized += batch.oversized
        more, cursor = batch.more and batch.cursor != cursor, batch.cursor
    if isinstance(agent.reader, JsonlReader):
        found.torn = agent.reader.resumes_at(batch.cursor) < agent.reader.stat(path).size
    return found
