from __future__ import annotations

import asyncio
import sqlite3
import threading
import tracemalloc
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carryover.adapter.contract import Source
from carryover.ledger.batch import Committed, SourceState
from carryover.ledger.commit import run_commit
from carryover.ledger.connect import LedgerUnavailable, StaleRead
from carryover.ledger.queries import sessions, totals
from carryover.ledger.rows import SessionRow, SkippedRow, locator
from carryover.ledger.store import Ledger
from carryover.model import AssistantMessage, SessionInfo, Skipped, TurnEnd
from carryover.records.fields import LATEST_MS
from support.scribe import Scribe, noise, writing

ONE = Source(agent="made-up", path="/t/one.jsonl")


async def test_records_written_again_under_new_ids_count_once_by_their_twin(scribe: Scribe) -> None:
    await scribe.tell(scribe.event("add a parser", key="a", secondary_key="turn 1"))

    replayed = await scribe.tell(
        scribe.event("add a parser", key="x", secondary_key="turn 1"),
        scribe.event("go on", key="y", secondary_key="turn 2"),
        scribe.event("go on", key="z", secondary_key="turn 2"),
        scribe.event("add a parser", key="w", secondary_key="turn 1", session="s2"),
    )

    assert replayed.new_events == 2
    assert scribe.prompts() == ["add a parser", "go on"]
    assert scribe.prompts("s2") == ["add a parser"]


async def test_a_session_is_what_its_main_conversation_last_said_of_it(scribe: Scribe) -> None:
    await scribe.tell(
        scribe.event(SessionInfo(title="Parser", agent_version="2.1.0", model="opus"), at_ms=5_000),
        scribe.event(SessionInfo(title="Sub-agent", branch="other"), at_ms=1_000, subagent_id="a1"),
    )
    await scribe.tell(scribe.event(SessionInfo(title="Parser and tests", parent="s0"), at_ms=0), "add a parser")

    assert sessions(scribe.db, limit=5) == [
        SessionRow(
            id=1,
            agent="made-up",
            native_id="s1",
            project_id=1,
            root="/repo",
            recorded_root=None,
            parent="s0",
            title="Parser and tests",
            agent_version="2.1.0",
            model="opus",
            branch=None,
            started_ms=1_000,
            last_ms=5_000,
        )
    ]


async def test_a_time_that_is_no_date_is_stored_as_the_nearest_that_is(scribe: Scribe) -> None:
    await scribe.tell(scribe.event("before all", at_ms=-1), scribe.event("after all", at_ms=LATEST_MS + 1))

    assert [each.at_ms for each in scribe.events()] == [0, LATEST_MS]


async def test_what_was_redacted_skipped_and_passed_by_is_counted(scribe: Scribe) -> None:
    skipped = [Skipped(record_type="odd", reason="unknown type", version="2.1.0")] * 2
    skipped.append(Skipped(record_type="x" * 100, reason="no JSON"))
    for _ in range(2):
        event = scribe.event("hello")
        await scribe.commit(scribe.prepared(event, redacted={"token": 2}, skipped=tuple(skipped), oversized=1))

    counted = totals(scribe.db)
    assert (counted.redactions, counted.oversized) == ({"token": 4}, 2)
    assert counted.skipped == (
        SkippedRow(agent="made-up", agent_version="2.1.0", record_type="odd", reason="unknown type", n=4, last_ms=5),
        SkippedRow(agent="made-up", agent_version="", record_type="x" * 80, reason="no JSON", n=2, last_ms=5),
    )


async def test_a_turn_ends_with_the_last_word_of_the_main_conversation(scribe: Scribe) -> None:
    last = AssistantMessage(text="Done.", final=True)
    said = [
        scribe.event(last),
        scribe.event(TurnEnd(reason="interrupted")),
        scribe.event(AssistantMessage(text="Next:")),
    ]
    said.append(scribe.event(last, subagent_id="helper"))

    assert [(await scribe.commit(scribe.prepared(event))).turn_ended for event in said] == [True, True, False, False]


async def test_a_source_full_of_invented_types_does_not_fill_the_ledger(scribe: Scribe) -> None:
    for part in range(3):
        types = [Skipped(record_type=f"t{part}-{n}", reason="unknown type") for n in range(600)]
        await scribe.commit(scribe.prepared(skipped=tuple(types)))

    assert scribe.db.execute("SELECT count(*), sum(n) FROM skipped").fetchone() == (1201, 1800)


async def test_a_path_that_is_not_utf8_is_a_source_like_any_other(ledger: Ledger, scribe: Scribe) -> None:
    odd = Source(agent="made-up", path="/t/caf\udce9.jsonl")

    await ledger.commit(odd, scribe.prepared(scribe.event("hello")), seen_rev=0)

    assert locator(odd.path) == b"/t/caf\xe9.jsonl"
    assert list(await ledger.last_reads()) == [("made-up", odd.path)]


@settings(max_examples=12, deadline=None)
@given(reads=st.lists(st.tuples(st.integers(0, 11), st.integers(1, 12)), max_size=12))
async def test_however_often_and_in_what_pieces_it_is_read_each_record_counts_once(
    tmp_path_factory: pytest.TempPathFactory, reads: list[tuple[int, int]]
) -> None:
    async with writing(tmp_path_factory.mktemp("ledger") / "ledger.sqlite") as scribe:
        history = [scribe.event(AssistantMessage(text=f"step {n}")) for n in range(12)]
        for start, length in reads:
            await scribe.tell(*history[start : start + length])
        counted = scribe.db.execute("SELECT count(*), count(DISTINCT key) FROM event").fetchone()

    read = {n for start, length in reads for n in range(start, min(start + length, 12))}
    assert counted == (len(read), len(read))


async def test_comparing_all_sources_loads_neither_cursors_nor_contexts(ledger: Ledger, scribe: Scribe) -> None:
    """Thousands of transcripts are compared every few minutes, and each context may hold a hundred KiB."""
    await scribe.commit(scribe.prepared(scribe.event("hello"), cursor=bytes(8 << 20), context=bytes(8 << 20)))

    tracemalloc.start()
    known = await ledger.last_reads()
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert list(known) == [(ONE.agent, ONE.path)]
    assert peak_bytes < 1 << 20


async def test_a_commit_whose_caller_is_cancelled_is_carried_out_if_it_had_begun(
    ledger: Ledger, scribe: Scribe
) -> None:
    """Of those that had not, each would wait for a lock of another process before what is asked for later."""
    first, late, second = (scribe.prepared(scribe.event(f"prompt {n}"), cursor=str(n).encode()) for n in (1, 9, 2))
    began, goes_on = threading.Event(), threading.Event()

    def begin(db: sqlite3.Connection) -> None:
        began.set()
        goes_on.wait()
        run_commit(db, ledger.reducer, ONE, first, 0)

    callers = [asyncio.create_task(ledger.write(begin)), asyncio.create_task(ledger.commit(ONE, late, seen_rev=1))]
    await asyncio.to_thread(began.wait)
    for caller in callers:
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
    goes_on.set()

    await ledger.commit(ONE, second, seen_rev=1)

    assert scribe.prompts() == ["prompt 1", "prompt 2"]
    assert ledger.revision == 3, "one for each, and one from when it was opened"


async def test_each_project_that_changed_comes_with_the_time_of_its_last_event(scribe: Scribe) -> None:
    other = {"session": "s2", "cwd": "/other"}
    first = await scribe.tell(scribe.event("add a parser", at_ms=9_000), scribe.event("write", at_ms=2_000, **other))
    older = await scribe.tell(scribe.event("hello", at_ms=1_000), scribe.event("more", at_ms=3_000, **other))
    assert (first.projects, older.projects) == ({1: 9_000, 2: 2_000}, {1: 9_000, 2: 3_000})


async def test_of_commits_at_once_one_is_stored_and_the_others_are_refused(ledger: Ledger, scribe: Scribe) -> None:
    told = [scribe.prepared(scribe.event(f"prompt {n}"), cursor=b"after it", context=b'{"turn":1}') for n in range(5)]

    results = await asyncio.gather(*(ledger.commit(ONE, each, seen_rev=0) for each in told), return_exceptions=True)

    assert results[0] == Committed(new_events=1, projects={1: 1_000}, newest_ms=1_000)
    assert [type(result) for result in results[1:]] == [StaleRead] * 4
    with pytest.raises(StaleRead):
        await ledger.commit(ONE, told[1], seen_rev=2)
    assert await scribe.state() == SourceState(
        rev=1, cursor=b"after it", context=b'{"turn":1}', size=10, mtime_ns=5_000_000, state="active"
    )
    assert scribe.prompts() == ["prompt 0"]


async def test_a_full_disk_is_reported_clearly_and_loses_nothing(scribe: Scribe) -> None:
    await scribe.tell("hello")
    before = await scribe.ledger.source_state(ONE)
    big = scribe.prepared(*(scribe.event(f"prompt {n} {noise(n, 2_000)}") for n in range(50)), cursor=b"2")
    await scribe.ledger.write(lambda db: db.execute("PRAGMA max_page_count = 45").fetchall())

    with pytest.raises(LedgerUnavailable, match="is full"):
        await scribe.ledger.commit(ONE, big, seen_rev=1)

    assert await scribe.ledger.source_state(ONE) == before
    await scribe.ledger.write(lambda db: db.execute("PRAGMA max_page_count = 100000").fetchall())
    assert (await scribe.ledger.commit(ONE, big, seen_rev=1)).new_events == 50
    assert len(scribe.prompts()) == 51


async def test_a_database_locked_by_another_program_is_reported_clearly_and_loses_nothing(
    scribe: Scribe, ledger_path: Path
) -> None:
    await scribe.ledger.write(lambda db: db.execute("PRAGMA busy_timeout = 20").fetchall())
    with closing(sqlite3.connect(ledger_path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerUnavailable, match=r"Another program keeps .* locked"):
            await scribe.tell("hello")

    assert (await scribe.tell("hello")).new_events == 1
    assert scribe.prompts() == ["hello"]
