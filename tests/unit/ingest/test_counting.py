"""What was read before tokens were counted is counted afterwards, and nothing else of it changes."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from carryover.adapter.contract import Agent, Parsed, Record, Source
from carryover.facts import ProjectRoot
from carryover.ingest.counting import Counting
from carryover.ingest.pipeline import ingest
from carryover.ledger.queries import Selection
from carryover.ledger.store import Ledger
from carryover.ledger.usage import sum_since, transcripts_to_count
from carryover.model import Event, TokensUsed, UserPrompt

NOW_MS = 50_000


class Context(msgspec.Struct, frozen=True):
    answers: int = 0


def _without_tokens(_source: Source, context: Any, record: Record) -> tuple[Any, Parsed]:
    key = record.data.decode()
    context = Context(context.answers + 1)
    body = UserPrompt(text=f"prompt {key}")
    return context, Parsed(events=(Event(key=key, session="s1", at_ms=1_000 * context.answers, body=body),))


def _with_tokens(source: Source, context: Any, record: Record) -> tuple[Any, Parsed]:
    """The same, and what each answer took: the first 1, the second 2, and so on."""
    context, parsed = _without_tokens(source, context, record)
    used = TokensUsed(key=record.data.decode(), session="s1", at_ms=1_000 * context.answers, output=context.answers)
    return context, msgspec.structs.replace(parsed, tokens=(used,))


@pytest.fixture
def agent(agent: Agent) -> Agent:
    return replace(agent, context_type=Context, parse=_with_tokens)


@pytest.fixture
async def source(ledger: Ledger, agent: Agent, tmp_path: Path) -> Source:
    """Five answers, in two batches, that a version without counts read before the ledger was migrated."""
    source = Source(agent="made-up", path=str(tmp_path / "one.jsonl"))
    Path(source.path).write_bytes(b"".join(b"k%d\n" % number for number in range(1, 6)))
    before = replace(agent, parse=_without_tokens)
    await ingest(ledger, before, source, root_of=ProjectRoot, now_ms=lambda: NOW_MS)
    await ledger.write(_as_migrated)
    return source


async def _as_migrated(db: Any) -> None:
    await db.execute_fetchall("INSERT INTO to_count SELECT id FROM source")


async def count(ledger: Ledger, agent: Agent, source: Source) -> int:
    """Counts a source to its end; returns in how many steps."""
    counting, steps = Counting(ledger, agent, source, lambda: NOW_MS), 1
    while await counting.step():
        steps += 1
    return steps


def outputs(db: sqlite3.Connection) -> int:
    tokens = sum_since(db, 0)
    return tokens.output if tokens is not None else 0


async def test_older_tokens_are_counted_once_and_events_and_position_stay(
    ledger: Ledger, agent: Agent, source: Source, reading: Callable[[], sqlite3.Connection]
) -> None:
    db = reading()
    stored = "SELECT * FROM event", "SELECT rev, cursor, context, size FROM source", "SELECT * FROM thread"
    before = [db.execute(statement).fetchall() for statement in stored]
    assert (outputs(db), transcripts_to_count(db)) == (0, [("made-up", 1)])

    assert await count(ledger, agent, source) == 2
    assert (outputs(db), transcripts_to_count(db)) == (1 + 2 + 3 + 4 + 5, [])
    assert [db.execute(statement).fetchall() for statement in stored] == before

    await count(ledger, agent, source)
    assert outputs(db) == 15


async def test_counting_that_was_cut_short_begins_again(
    ledger: Ledger, agent: Agent, source: Source, reading: Callable[[], sqlite3.Connection]
) -> None:
    assert await Counting(ledger, agent, source, lambda: NOW_MS).step()
    assert (outputs(reading()), len(transcripts_to_count(reading()))) == (6, 1)

    await count(ledger, agent, source)
    assert (outputs(reading()), transcripts_to_count(reading())) == (15, [])


async def test_a_transcript_that_cannot_be_read_now_stays_to_be_counted(
    ledger: Ledger, agent: Agent, source: Source, reading: Callable[[], sqlite3.Connection]
) -> None:
    Path(source.path).unlink()

    assert await count(ledger, agent, source) == 1
    assert transcripts_to_count(reading()) == [("made-up", 1)]


async def test_what_was_forgotten_is_not_counted_afterwards(
    ledger: Ledger, agent: Agent, source: Source, reading: Callable[[], sqlite3.Connection]
) -> None:
    await ledger.forget(Selection(since_ms=3_000), now_ms=NOW_MS)
    await count(ledger, agent, source)
    assert outputs(reading()) == 1 + 2

    await ledger.forget(Selection(session="s1", agent="made-up"), now_ms=NOW_MS)
    await ledger.write(_as_migrated)
    await count(ledger, agent, source)
    assert outputs(reading()) == 0
