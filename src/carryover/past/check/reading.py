"""Reads recordings as the daemon reads transcripts, without storing anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from carryover.adapter.contract import Agent, Batch, Record, Reemitted, Source
from carryover.decoders import decoder_of
from carryover.ingest.sanitize import clean_context
from carryover.model import (
    AssistantMessage,
    Event,
    FileEdit,
    SessionInfo,
    Skipped,
    TokensUsed,
    ToolCall,
    ToolResult,
    TurnEnd,
    UserPrompt,
)


class Reading(msgspec.Struct):
    """Everything that the daemon would have stored of a source."""

    context: Any
    cursor: bytes | None = None
    events: list[Event] = []
    skipped: list[Skipped] = []
    tokens: list[TokensUsed] = []
    restarts: int = 0
    batches: list[Batch] = []


def understood(readings: Iterable[Reading]) -> dict[str, int]:
    """Returns how much of each kind there is in what was read, by its name: `{"prompt": 2, "failed call": 0, ...}`."""
    events = [event for reading in readings for event in reading.events]
    bodies = [event.body for event in events]
    results = [body for body in bodies if isinstance(body, ToolResult)]
    answers = [body for body in bodies if isinstance(body, AssistantMessage)]
    facts = [body for body in bodies if isinstance(body, SessionInfo)]
    return {
        "session": len({event.session for event in events}),
        "version": len({body.agent_version for body in facts} - {None}),
        "model": len({body.model for body in facts} - {None}),
        "prompt": sum(isinstance(body, UserPrompt) for body in bodies),
        "answer": len(answers),
        "call": sum(isinstance(body, ToolCall) for body in bodies),
        "successful call": sum(body.status == "ok" for body in results),
        "failed call": sum(body.status != "ok" for body in results),
        "edit": sum(isinstance(body, FileEdit) for body in bodies),
        "turn end": sum(isinstance(body, TurnEnd) for body in bodies) + sum(answer.final is True for answer in answers),
    }


def moved(source: Source, path: Path) -> Source:
    """Returns the same source with its file somewhere else."""
    return msgspec.structs.replace(source, path=str(path))


def read_on(agent: Agent, source: Source, reading: Reading | None = None) -> Reading:
    """Reads what is there now, continuing from `reading`; keeps the context and cursor as the daemon does."""
    reading = reading or Reading(context=agent.context_type())
    more = True
    while more:
        batch = agent.reader.read(Path(source.path), reading.cursor)
        reading.batches.append(batch)
        if batch.restarted:
            reading.restarts += 1
            reading.context = agent.context_type()
        fold_into(agent, source, reading, batch.records)
        reading.cursor = batch.cursor
        more = batch.more
    return reading


def fold_into(agent: Agent, source: Source, reading: Reading, records: Iterable[Record]) -> Reading:
    """Adds what a batch of records becomes; keeps the context as the daemon stores it."""
    events: list[Event] = []
    reemitted: list[Reemitted] = []
    for record in records:
        reading.context, folded = agent.parse(source, reading.context, record)
        events += folded.events
        reading.skipped += folded.skipped
        reading.tokens += folded.tokens
        reemitted += () if folded.reemitted is None else (folded.reemitted,)
    reading.events = after_batch(reading.events, events, reemitted)
    stored = clean_context(reading.context)
    reading.context = decoder_of(agent.context_type).decode(stored)
    return reading


def after_batch(events: Sequence[Event], reported: Sequence[Event], reemitted: Iterable[Reemitted]) -> list[Event]:
    """Returns the events that count once a batch `reported` others, as `carryover.ledger.threads` decides it, but with
    replaced ones at the end."""
    gone: set[str] = set()
    for each in reemitted:
        before, now = (
            [event.key for event in some if (event.session, event.subagent_id) == (each.session, each.subagent_id)]
            for some in (events, reported)
        )
        if each.after is not None:
            before = before[before.index(each.after) + 1 :] if each.after in before else []
        is_whole = not each.more or before[: len(now)] != now
        gone |= set(before if is_whole else now)
    return [*(event for event in events if event.key not in gone), *reported]


def fold_one(agent: Agent, source: Source, data: bytes, context: Any = None) -> Reading:
    """Parses a single record."""
    reading = Reading(context=context if context is not None else agent.context_type())
    return fold_into(agent, source, reading, [Record(number=1, data=data)])
