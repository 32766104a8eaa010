"""Tells apart what several documents say of one session: SpecStory saves it again under another name after an update,
with other times and turns, or in parts, each with turns from 1."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import msgspec

from carryover.adapter.contract import Agent, Parsed, Record, Source
from carryover.importing.candidate import OpenedDocument
from carryover.ledger.connect import reading
from carryover.ledger.events import counting_events, main_thread
from carryover.ledger.queries import session_of
from carryover.model import Event, UserPrompt
from carryover.redact import clean

_COMPARED_CHARS: Final = 200
_MINUTE_MS: Final = 60_000


def apart(document: OpenedDocument, ledger: Path) -> Agent:
    """Returns the document's agent, without what another document said of the session, and with keys of its own if it
    begins otherwise than the one that was read first. Blocking."""
    agent = document.agent
    first = next(filter(_is_prompt, _events(document)), None)
    if first is None:
        return agent
    with reading(ledger) as db:
        session = session_of(db, agent.spec.id, first.session)
        thread = main_thread(db, session.id) if session is not None else None
        if session is None or thread is None:
            return agent
        told = next(filter(_is_prompt, counting_events(db, thread, first.session)), None)
    if told is None or (told.at_ms == first.at_ms and _words(told) == _words(first)):
        return agent
    # Told once more, and perhaps to the minute only; or the next part of it.
    known_ms = session.last_ms + _MINUTE_MS if _words(told) == _words(first) else 0
    mark = f"@{first.at_ms}"

    def parse(source: Source, context: Any, record: Record) -> tuple[Any, Parsed]:
        context, parsed = agent.parse(source, context, record)
        new = (event for event in parsed.events if event.at_ms >= known_ms)
        marked = tuple(msgspec.structs.replace(event, key=event.key + mark) for event in new)
        return context, msgspec.structs.replace(parsed, events=marked)

    return replace(agent, parse=parse)


def _events(document: OpenedDocument) -> Iterator[Event]:
    agent, source = document.agent, document.source
    context = agent.context_type()
    for record in agent.reader.read(Path(source.path), None).records:
        context, parsed = agent.parse(source, context, record)
        yield from parsed.events


def _is_prompt(event: Event) -> bool:
    return isinstance(event.body, UserPrompt) and event.subagent_id is None


def _words(event: Event) -> str:
    assert isinstance(event.body, UserPrompt)
    return clean(event.body.text)[:_COMPARED_CHARS].strip()
