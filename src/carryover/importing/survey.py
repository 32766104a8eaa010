"""Summarizes a document's content before any of it is stored."""

from __future__ import annotations

from pathlib import Path

import msgspec

from carryover.adapter.contract import Batch
from carryover.importing.document import Document
from carryover.model import Event, UserPrompt
from carryover.readers.jsonl import JsonlReader


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
    agent, source = document.agent, document.source
    context, cursor, more = agent.context_type(), None, True
    found = Survey(folders={})
    while more:
        batch = agent.reader.read(Path(source.path), cursor)
        if batch.restarted:
            context, found = agent.context_type(), Survey(folders={})
        for record in batch.records:
            context, parsed = agent.parse(source, context, record)
            found.skipped += len(parsed.skipped)
            for event in parsed.events:
                _count(found, event)
        found.oversized += batch.oversized
        more, cursor = batch.more and batch.cursor != cursor, batch.cursor
    found.torn = _is_torn(document, batch)
    return found


def _count(found: Survey, event: Event) -> None:
    found.events += 1
    if found.folders.get(event.session) is None:
        found.folders[event.session] = event.cwd
    if event.at_ms > 0:
        found.first_ms = min(found.first_ms or event.at_ms, event.at_ms)
        found.last_ms = max(found.last_ms, event.at_ms)
    found.prompts += isinstance(event.body, UserPrompt) and event.body.actor == "human"


def _is_torn(document: Document, last: Batch) -> bool:
    reader = document.agent.reader
    if not isinstance(reader, JsonlReader):
        return False
    return reader.resumes_at(last.cursor) < reader.stat(Path(document.source.path)).size
