from __future__ import annotations

import asyncio
import json
import random
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from carryover.adapter.contract import Agent, Parsed, Record, Source
from carryover.agents import adapters
from carryover.distill.stored_digest import DigestReducer
from carryover.facts import ProjectRoot
from carryover.ingest.pipeline import IngestResult, ingest
from carryover.ledger.batch import READ_IN_PART, SourceState
from carryover.ledger.ledger_errors import LedgerUnavailable
from carryover.ledger.queries import (
    connect_read_only,
    projects,
    session_by_prefix,
    session_events,
    sessions,
    totals,
)
from carryover.ledger.store import Ledger
from carryover.model import ToolResult, UserPrompt

TOKEN = "ghp_" + "Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4zAb3d"

LONG = "x" * 1_000

RECORDED = Path(__file__).parents[2] / "agents/claude_code/fixtures"


def said(text: str, key: str, **fields: object) -> bytes:
    line = {"id": key, "cwd": "/repo", "body": {"kind": "user_prompt", "text": text}, **fields}
    return json.dumps(line).encode() + b"\n"


def root_of(cwd: str) -> ProjectRoot:
    return ProjectRoot(cwd)


@pytest.fixture
def transcript(tmp_path: Path) -> Path:
    return tmp_path / "one.jsonl"


@pytest.fixture
def source(transcript: Path) -> Source:
    return Source(agent="made-up", path=str(transcript))


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    ledger = await Ledger.open(tmp_path / "ledger.sqlite", DigestReducer())
    yield ledger
    await ledger.close()


@pytest.fixture
def db(tmp_path: Path, ledger: Ledger) -> Iterator[sqlite3.Connection]:
    with closing(connect_read_only(tmp_path / "ledger.sqlite")) as db:
        yield db


@pytest.fixture
def read(ledger: Ledger, agent: Agent, source: Source) -> Any:
    """Ingests the transcript; keyword arguments of `ingest` may be changed."""

    async def read(**changes: Any) -> IngestResult:
        given: dict[str, Any] = {
            "agent": agent,
            "source": source,
            "root_of": root_of,
            "now_ms": lambda: 50_000,
            **changes,
        }
        return await ingest(ledger, given.pop("agent"), given.pop("source"), **given)

    return read


def prompts(db: sqlite3.Connection, session: str = "s1") -> list[str]:
    events = session_events(db, session_by_prefix(db, session))
    return [event.body.text for event in events if isinstance(event.body, UserPrompt)]


async def test_a_source_is_read_to_its_end_in_batches(transcript: Path, read: Any, db: sqlite3.Connection) -> None:
    transcript.write_bytes(b"".join(said(f"prompt {n}", f"k{n}", at_ms=n) for n in range(1, 9)))

    result = await read()

    found = transcript.stat()
    assert result == IngestResult(
        new_events=8,
        projects=frozenset({1}),
        newest_event_ms=8,
        bytes=found.st_size - 8,
        written_ms=found.st_mtime_ns // 1_000_000,
    )
    assert prompts(db) == [f"prompt {n}" for n in range(1, 9)]
    assert [row.root for row in projects(db)] == ["/repo"]


async def test_reading_may_stop_after_a_batch_and_go_on_later(
    transcript: Path, read: Any, ledger: Ledger, source: Source, db: sqlite3.Connection
) -> None:
    transcript.write_bytes(b"".join(said(f"prompt {n}", f"k{n}") for n in range(5)))

    first = await read(max_batches=1)
    between = await ledger.source_state(source)
    second = await read(max_batches=1)

    assert between is not None
    assert between.size == READ_IN_PART
    assert [(result.new_events, result.more) for result in (first, second)] == [(3, True), (2, False)]
    assert prompts(db) == [f"prompt {n}" for n in range(5)]


async def test_a_source_that_did_not_change_is_not_committed(
    transcript: Path, read: Any, ledger: Ledger, source: Source
) -> None:
    transcript.write_bytes(said("one", "a"))
    await read()
    before = await ledger.source_state(source)

    assert await read() == IngestResult()
    assert await ledger.source_state(source) == before


async def test_a_file_that_was_replaced_is_read_again_with_a_fresh_context(
    transcript: Path, read: Any, db: sqlite3.Connection
) -> None:
    transcript.write_bytes(said("one", "a", cwd="/repo") + said("two", "b") + said("three", "c"))
    await read()
    transcript.write_bytes(said("two", "b", cwd=None) + said("new", "d", cwd=None, session="s2"))

    result = await read()

    assert result.new_events == 1
    assert prompts(db) == ["one", "two", "three"]
    assert [(row.native_id, row.root) for row in sessions(db, limit=3)] == [("s2", None), ("s1", "/repo")]


async def test_a_context_of_another_form_begins_the_source_again(
    transcript: Path, read: Any, agent: Any, db: sqlite3.Connection
) -> None:
    """A newer adapter may remember other things; the records already known are told by their keys."""

    class NewContext(msgspec.Struct, frozen=True):
        cwd: int = 0
        command: str = ""

    transcript.write_bytes(said("one", "a") + said("two", "b"))
    await read()
    with transcript.open("ab") as file:
        file.write(said("three", "c"))
    folded: list[bytes] = []

    def fold(source: Source, context: Any, record: Record) -> tuple[Any, Parsed]:
        folded.append(record.data)
        return context, agent_fold(source, msgspec.convert({"cwd": None}, agent_context), record)[1]

    agent_fold, agent_context = agent.parse, agent.context_type
    result = await read(agent=replace(agent, context_type=NewContext, parse=fold))

    assert len(folded) == 3
    assert result.new_events == 1
    assert prompts(db) == ["one", "two", "three"]


async def test_records_too_long_to_read_and_not_understood_are_counted(
    transcript: Path, read: Any, db: sqlite3.Connection
) -> None:
    transcript.write_bytes(said("x" * 6_000, "long") + b"{}\n" + said("one", "a"))

    await read()

    counted = totals(db)
    assert (counted.oversized, [(row.record_type, row.n) for row in counted.skipped]) == (1, [("?", 1)])
    assert prompts(db) == ["one"]


async def test_secrets_reach_neither_events_nor_context(
    transcript: Path, read: Any, db: sqlite3.Connection, tmp_path: Path
) -> None:
    call = {"id": "a", "cwd": "/repo", "command": f"curl -H {TOKEN}"}
    result = {"kind": "tool_result", "call_id": "c", "name": "Bash", "op": "shell", "status": "ok"}
    transcript.write_bytes(json.dumps(call).encode() + b"\n")
    await read()
    with transcript.open("ab") as file:
        line = {"id": "b", "body": {**result, "subject": "as before", "output": f"{LONG}\n{TOKEN}\n{LONG}"}}
        file.write(json.dumps(line).encode() + b"\n")

    await read()

    (event,) = session_events(db, session_by_prefix(db, "s1"))
    assert isinstance(event.body, ToolResult)
    assert event.body.subject == "curl -H [redacted:github]"
    assert event.body.output == f"{LONG}\n[redacted:github]\n{LONG}"
    assert totals(db).redactions == {"github": 1}
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("ledger.sqlite*"))
    assert TOKEN.encode() not in stored


async def test_a_source_that_vanished_is_marked_once_and_keeps_what_it_said(
    transcript: Path, read: Any, ledger: Ledger, source: Source, db: sqlite3.Connection
) -> None:
    transcript.write_bytes(said("one", "a"))
    await read()
    transcript.unlink()

    results = [await read(), await read()]

    state = await ledger.source_state(source)
    assert results == [IngestResult(gone=True)] * 2
    assert state is not None
    assert state.state == "gone"
    assert prompts(db) == ["one"]


async def test_a_source_that_cannot_be_read_is_tried_again_later_and_later(
    transcript: Path, read: Any, ledger: Ledger, source: Source
) -> None:
    transcript.mkdir()

    states: list[SourceState | None] = []
    for _ in range(3):
        assert await read() == IngestResult(error="not a regular file")
        states.append(await ledger.source_state(source))
    transcript.rmdir()
    transcript.write_bytes(said("one", "a"))
    result = await read()

    assert [(state.error, state.retry_ms) for state in states if state] == [
        ("not a regular file", 51_000),
        ("not a regular file", 52_000),
        ("not a regular file", 54_000),
    ]
    mended = await ledger.source_state(source)
    assert mended is not None
    assert (result.new_events, mended.state, mended.failures, mended.error) == (1, "active", 0, None)


async def test_a_fault_of_the_program_in_one_source_is_reported_without_its_content(
    transcript: Path, read: Any, agent: Any, tmp_path: Path, db: sqlite3.Connection
) -> None:
    """Other sources go on."""
    transcript.write_bytes(said("private words", "a"))
    other = tmp_path / "two.jsonl"
    other.write_bytes(said("two", "b", session="s2"))
    fold = agent.parse

    def fault(source: Source, context: Any, record: Record) -> tuple[Any, Parsed]:
        if b"private" in record.data:
            raise ValueError(record.data)
        folded: tuple[Any, Parsed] = fold(source, context, record)
        return folded

    faulty = replace(agent, parse=fault)
    broken = await read(agent=faulty)
    sound = await read(agent=faulty, source=Source(agent="made-up", path=str(other)))

    assert broken.error is not None
    assert broken.error.startswith("ValueError at test_pipeline.py:")
    assert "private" not in broken.error
    assert sound.new_events == 1
    assert [each.error for each in totals(db).broken] == [broken.error]


async def test_two_readers_of_one_source_store_each_record_once(
    transcript: Path, read: Any, db: sqlite3.Connection
) -> None:
    transcript.write_bytes(b"".join(said(f"prompt {n}", f"k{n}") for n in range(20)))

    results = await asyncio.gather(read(), read(), read())

    assert sum(result.new_events for result in results) == 20
    assert prompts(db) == [f"prompt {n}" for n in range(20)]


async def test_trouble_with_the_ledger_is_not_held_against_the_source(
    transcript: Path, read: Any, ledger: Ledger, source: Source, tmp_path: Path
) -> None:
    await ledger._db.execute_fetchall("PRAGMA busy_timeout = 20")
    transcript.write_bytes(said("one", "a"))
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerUnavailable):
            await read()

    assert await ledger.source_state(source) is None
    assert (await read()).new_events == 1


async def test_keys_that_look_like_secrets_take_back_and_are_not_stored(
    transcript: Path, read: Any, db: sqlite3.Connection, tmp_path: Path
) -> None:
    undone = {"id": "u", "body": {"kind": "retracted", "keys": [TOKEN]}}
    transcript.write_bytes(said("one", "a") + said("two", TOKEN) + json.dumps(undone).encode() + b"\n")

    await read()

    events = session_events(db, session_by_prefix(db, "s1"))
    assert [event.retracted for event in events] == [False, True, False]
    assert TOKEN.encode() not in b"".join(path.read_bytes() for path in tmp_path.glob("ledger.sqlite*"))


@pytest.mark.parametrize("seed", range(3))
async def test_real_transcripts_count_once_however_often_and_in_whatever_order_they_are_read(
    ledger: Ledger, db: sqlite3.Connection, seed: int
) -> None:
    """Recordings of Claude Code 2.0.65 to 2.1.328, among them resumed and forked sessions and sub-agents."""
    agent = adapters()["claude-code"]
    found = [source for version in sorted(RECORDED.glob("*/projects")) for source in agent.sources(version)]
    distinct: set[str] = set()
    for source in found:
        context: Any = agent.context_type()
        for record in agent.reader.read(Path(source.path), None).records:
            context, folded = agent.parse(source, context, record)
            distinct.update(event.key for event in folded.events)
    shuffled = found * 2
    random.Random(seed).shuffle(shuffled)

    for source in shuffled:
        result = await ingest(ledger, agent, source, root_of=root_of, now_ms=lambda: 50_000)
        assert result.error is None

    assert len(distinct) > 200
    assert totals(db).events == len(distinct)
    assert totals(db).sources == len(found)
    assert {row.root for row in projects(db)} == {"/home/dev/shop"}
