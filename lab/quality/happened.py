"""What happened in a session, in order, as Carryover's adapters read it: the same for every agent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from carryover.adapter.contract import Agent, Record
from carryover.importing.candidate import Candidate
from carryover.importing.document import open_document
from carryover.model import AnyBody, AssistantMessage, FileEdit, ToolCall, ToolResult, UserPrompt
from carryover.transcript.by_kind import reader_of_copies

Kind = Literal["prompt", "answer", "call", "result"]


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that was said or done, and the record of the transcript that holds it (line or message number)."""

    record: int
    kind: Kind
    text: str
    at_ms: int = 0
    cwd: str | None = None


def happenings(path: Path) -> tuple[str, list[Happening]]:
    """Returns the agent whose adapter reads the file, and what happened in it, without sub-agents' work."""
    document = open_document(Candidate(path.absolute()))
    agent, source = document.agent, document.source
    found = []
    context = agent.context_type()
    for record in _records(agent, path):
        context, parsed = agent.parse(source, context, record)
        for event in parsed.events:
            if event.subagent_id is None and not event.copied:
                found += [replace(each, at_ms=event.at_ms, cwd=event.cwd) for each in _of(event.body, record.number)]
    return agent.id, found


def _records(agent: Agent, path: Path) -> Iterator[Record]:
    reader = agent.reader if agent.exported is None else reader_of_copies(agent.reader)
    cursor: bytes | None = None
    more = True
    while more:
        batch = reader.read(path, cursor)
        yield from batch.records
        more = batch.more and batch.cursor != cursor
        cursor = batch.cursor


def _of(body: AnyBody, record: int) -> Iterator[Happening]:
    match body:
        case UserPrompt(actor="human"):
            yield Happening(record, "prompt", body.typed)
        case AssistantMessage():
            yield Happening(record, "answer", body.text)
        case ToolCall(actor="model"):
            yield Happening(record, "call", body.subject)
        case FileEdit():
            yield Happening(record, "call", body.path)
        case ToolResult():
            yield Happening(record, "result", body.output)
        case _:
            pass
