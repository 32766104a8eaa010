"""A fictional agent that writes one JSON object a line, and a place for its transcripts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from carryover.adapter.contract import Agent, Batch, FileStat, Parsed, Record, Source
from carryover.adapter.spec import AgentSpec, Place
from carryover.model import AnyBody, Event, Skipped
from carryover.transcript.files import stamp_of_file


class Context(msgspec.Struct, frozen=True):
    cwd: str | None = None
    command: str = ""


class Line(msgspec.Struct, frozen=True):
    """What the fictional agent writes: an event's body, or words to remember."""

    id: str
    session: str = "s1"
    at_ms: int = 1_000
    cwd: str | None = None
    command: str | None = None
    body: AnyBody | None = None


class LineReader:
    """Complete lines after an offset, `per_batch` at a time; a file that shrank is read again."""

    per_batch = 3

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        data, before = path.read_bytes(), int(cursor or b"0")
        restarted = len(data) < before
        offset = 0 if restarted else before
        lines = data[offset:].split(b"\n")[:-1]
        taken = lines[: self.per_batch]
        records = tuple(Record(number=number, data=line) for number, line in enumerate(taken, 1) if len(line) < 5_000)
        return Batch(
            records=records,
            cursor=str(offset + sum(len(line) + 1 for line in taken)).encode(),
            restarted=restarted,
            more=len(lines) > len(taken),
            oversized=len(taken) - len(records),
        )

    def stat(self, path: Path) -> FileStat:
        return stamp_of_file(path)


def _fold(source: Source, context: Any, record: Record) -> tuple[Any, Parsed]:
    try:
        line = msgspec.json.decode(record.data, type=Line)
    except msgspec.MsgspecError:
        return context, Parsed(skipped=(Skipped(record_type="?", reason="not understood"),))
    context = Context(line.cwd or context.cwd, line.command if line.command is not None else context.command)
    if line.body is None:
        return context, Parsed()
    body = line.body
    if getattr(body, "subject", None) == "as before":
        body = msgspec.structs.replace(body, subject=context.command)
    event = Event(key=line.id, session=line.session, at_ms=line.at_ms, body=body, cwd=context.cwd)
    return context, Parsed(events=(event,))


@pytest.fixture
def agent() -> Agent:
    return Agent(
        spec=AgentSpec(
            id="made-up", name="Made-up", binaries=("made-up",), folders=(), transcripts=(Place(path="~/.made-up"),)
        ),
        reader=LineReader(),
        context_type=Context,
        parse=_fold,
    )
