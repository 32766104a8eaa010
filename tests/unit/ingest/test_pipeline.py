from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from carryover.adapter.contract import Agent, Batch, Parsed, Record, Source
from carryover.facts import ProjectRoot
from carryover.ingest.pipeline import IngestResult, ingest, prepare
from carryover.ledger.batch import PreparedBatch
from carryover.ledger.connect import LedgerUnavailable
from carryover.ledger.events import session_events
from carryover.ledger.queries import projects, session_by_prefix, totals
from carryover.ledger.store import Ledger
from carryover.model import FileEdit, ToolResult, UserPrompt

TOKEN = "ghp_" + "Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4zAb3d"


def said(text: str, key: str, **fields: object) -> bytes:
    line = {"id": key, "cwd": "/repo", "body": {"kind": "user_prompt", "text": text}, **fields}
    return json.dumps(line).encode() + b"\n"


@pytest.fixture
def transcript(tmp_path: Path) -> Path:
    return tmp_path / "one.jsonl"


@pytest.fixture
def source(transcript: Path) -> Source:
    return Source(agent="made-up", path=str(transcript))


@pytest.fixture
def db(ledger: Ledger, reading: Callable[[], sqlite3.Connection]) -> sqlite3.Connection:
    return reading()


def stored_bytes(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.iterdir())


@pytest.fixture
def read(ledger: Ledger, agent: Agent, source: Source) -> Any:
    """Ingests the transcript."""

    async def read(agent: Agent = agent, source: Source = source) -> IngestResult:
        return await ingest(ledger, agent, source, root_of=ProjectRoot, now_ms=lambda: 50_000)

    return read


def prompts(db: sqlite3.Connection, session: str = "s1") -> list[str]:
    events = session_events(db, session_by_prefix(db, session))
    return [event.body.text for event in events if isinstance(event.body, UserPrompt)]


async def test_a_source_is_read_to_its_end_in_batches(transcript: Path, read: Any, db: sqlite3.Connection) -> None:
    transcript.write_bytes(b"".join(said(f"prompt {n}", f"k{n}", at_ms=n) for n in range(1, 9)))

    assert await read() == IngestResult(new_events=8, projects={1: 8}, newest_ms=8)
    assert prompts(db) == [f"prompt {n}" for n in range(1, 9)]
    assert [row.root for row in projects(db)] == ["/repo"]


async def test_a_context_of_another_form_begins_the_source_again(
    transcript: Path, read: Any, agent: Any, db: sqlite3.Connection
) -> None:
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
    result = await read(replace(agent, context_type=NewContext, parse=fold))

    assert (len(folded), result.new_events, prompts(db)) == (3, 1, ["one", "two", "three"])


async def test_secrets_reach_neither_events_nor_context(
    transcript: Path, read: Any, db: sqlite3.Connection, ledger_path: Path
) -> None:
    result = {"kind": "tool_result", "call_id": "c", "name": "Bash", "op": "shell", "status": "ok"}
    transcript.write_text(json.dumps({"id": "a", "cwd": "/repo", "command": f"curl -H {TOKEN}"}) + "\n")
    await read()
    with transcript.open("a") as file:
        file.write(
            json.dumps({"id": "b", "body": {**result, "subject": "as before", "output": f"it is {TOKEN}"}}) + "\n"
        )
    await read()

    (event,) = session_events(db, session_by_prefix(db, "s1"))
    assert isinstance(event.body, ToolResult)
    assert (event.body.subject, event.body.output) == ("curl -H [redacted:github]", "it is [redacted:github]")
    assert totals(db).redactions == {"github": 1}
    assert TOKEN.encode() not in stored_bytes(ledger_path)


async def test_a_source_that_vanished_is_marked_once_and_keeps_what_it_said(
    transcript: Path, read: Any, ledger: Ledger, source: Source, db: sqlite3.Connection
) -> None:
    transcript.write_bytes(said("one", "a"))
    await read()
    transcript.unlink()

    assert [await read(), await read()] == [IngestResult()] * 2
    state = await ledger.source_state(source)
    assert state is not None
    assert (state.state, prompts(db)) == ("gone", ["one"])


async def test_a_source_that_cannot_be_read_is_tried_again_later_and_later(
    transcript: Path, read: Any, ledger: Ledger, source: Source
) -> None:
    transcript.mkdir()
    for wait_s in (1, 2, 4):
        assert await read() == IngestResult(error="not a regular file", retry_after_s=wait_s)
        state = await ledger.source_state(source)
        assert state is not None
        assert state.retry_ms == 50_000 + wait_s * 1_000

    transcript.rmdir()
    transcript.write_bytes(said("one", "a"))
    assert (await read()).new_events == 1
    mended = await ledger.source_state(source)
    assert mended is not None
    assert (mended.state, mended.failures) == ("active", 0)


async def test_a_fault_of_the_program_in_one_source_is_reported_without_its_content(
    transcript: Path, read: Any, agent: Any, tmp_path: Path, db: sqlite3.Connection
) -> None:
    transcript.write_bytes(said("private words", "a"))
    other = tmp_path / "two.jsonl"
    other.write_bytes(said("two", "b", session="s2"))
    fold = agent.parse

    def fault(source: Source, context: Any, record: Record) -> Any:
        if b"private" in record.data:
            raise ValueError(record.data)
        return fold(source, context, record)

    faulty = replace(agent, parse=fault)
    broken = await read(faulty)

    assert (await read(faulty, Source(agent="made-up", path=str(other)))).new_events == 1
    assert re.fullmatch(r"ValueError at test_pipeline\.py:\d+", str(broken.error))
    assert [each.error for each in totals(db).broken] == [broken.error]


async def test_two_readers_of_one_source_store_each_record_once(
    transcript: Path, read: Any, db: sqlite3.Connection
) -> None:
    transcript.write_bytes(b"".join(said(f"prompt {n}", f"k{n}") for n in range(20)))

    assert sum(result.new_events for result in await asyncio.gather(read(), read(), read())) == 20
    assert prompts(db) == [f"prompt {n}" for n in range(20)]


async def test_trouble_with_the_ledger_is_not_held_against_the_source(
    transcript: Path, read: Any, ledger: Ledger, source: Source, ledger_path: Path
) -> None:
    await ledger.write(lambda db: db.execute("PRAGMA busy_timeout = 20").fetchall())
    transcript.write_bytes(said("one", "a"))
    with closing(sqlite3.connect(ledger_path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerUnavailable):
            await read()

    assert await ledger.source_state(source) is None
    assert (await read()).new_events == 1


async def test_keys_that_look_like_secrets_take_back_and_are_not_stored(
    transcript: Path, read: Any, db: sqlite3.Connection, ledger_path: Path
) -> None:
    undone = {"id": "u", "body": {"kind": "retracted", "keys": [TOKEN]}}
    transcript.write_bytes(said("one", "a") + said("two", TOKEN) + json.dumps(undone).encode() + b"\n")

    await read()

    events = session_events(db, session_by_prefix(db, "s1"))
    assert [event.retracted for event in events] == [False, True, False]
    assert TOKEN.encode() not in stored_bytes(ledger_path)


def test_a_source_is_stamped_as_it_was_before_it_was_read(transcript: Path, source: Source, agent: Any) -> None:
    transcript.write_bytes(said("one", "a"))
    size = transcript.stat().st_size

    class GrowingReader(type(agent.reader)):  # type: ignore[misc]
        def read(self, path: Path, cursor: bytes | None) -> Batch:
            batch: Batch = super().read(path, cursor)
            with path.open("ab") as file:
                file.write(said("two", "b"))
            return batch

    batch = prepare(replace(agent, reader=GrowingReader()), source, None, ProjectRoot, lambda: 50_000)
    assert isinstance(batch, PreparedBatch)
    assert (batch.size, batch.roots, batch.more) == (size, {"/repo": ProjectRoot("/repo")}, False)


def test_files_in_an_agents_checkout_are_named_by_the_checkouts_real_path(
    transcript: Path, source: Source, agent: Any, tmp_path: Path
) -> None:
    checkout = tmp_path / "disk" / "worktree"
    checkout.mkdir(parents=True)
    (tmp_path / "link").symlink_to(checkout)
    edit = {"kind": "file_edit", "path": f"{tmp_path}/link/cart.py", "change": "modify"}
    transcript.write_text(json.dumps({"id": "a", "cwd": f"{tmp_path}/link", "body": edit}) + "\n")

    batch = prepare(agent, source, None, lambda _cwd: ProjectRoot("/repo", checkout=str(checkout)), lambda: 50_000)

    assert isinstance(batch, PreparedBatch)
    assert [entry.event.body for entry in batch.entries] == [FileEdit(path=f"{checkout}/cart.py", change="modify")]
