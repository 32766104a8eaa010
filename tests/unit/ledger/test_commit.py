from __future__ import annotations

import sqlite3
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carryover.adapter.contract import Source
from carryover.distill.stored_digest import DigestReducer
from carryover.ledger.batch import Commit, SourceState
from carryover.ledger.commit import locator
from carryover.ledger.connect import StaleRead
from carryover.ledger.events import session_events
from carryover.ledger.queries import SessionRow, session_by_prefix, sessions, totals
from carryover.ledger.rows import SkippedRow
from carryover.ledger.store import Ledger
from carryover.model import AssistantMessage, SessionInfo, Skipped, UserPrompt
from support.scribe import Scribe

Reading = Callable[[], sqlite3.Connection]

ONE = Source(agent="made-up", path="/t/one.jsonl")


def prompts(db: sqlite3.Connection, session: str = "s1") -> list[str]:
    events = session_events(db, session_by_prefix(db, session))
    return [event.body.text for event in events if isinstance(event.body, UserPrompt)]


async def test_events_and_the_position_after_them_are_stored_together(
    ledger: Ledger, scribe: Scribe, reading: Reading
) -> None:
    reported = scribe.prepared(scribe.event("add a parser"), cursor=b"after it", context=b'{"turn":1}')

    commit = await ledger.commit(ONE, reported, seen_rev=0)

    assert commit == Commit(new_events=1, projects=(1,), newest_event_ms=1_000)
    assert await ledger.source_state(ONE) == SourceState(
        rev=1, cursor=b"after it", context=b'{"turn":1}', size=10, mtime_ns=5_000_000, state="active"
    )
    assert prompts(reading()) == ["add a parser"]


async def test_records_written_again_under_new_ids_count_once_by_their_twin(scribe: Scribe, reading: Reading) -> None:
    await scribe.tell(scribe.event("add a parser", key="a", secondary_key="turn 1"))

    replayed = await scribe.tell(
        scribe.event("add a parser", key="x", secondary_key="turn 1"),
        scribe.event("go on", key="y", secondary_key="turn 2"),
        scribe.event("go on", key="z", secondary_key="turn 2"),
        scribe.event("add a parser", key="w", secondary_key="turn 1", session="s2"),
    )

    assert replayed.new_events == 2
    assert prompts(reading()) == ["add a parser", "go on"]
    assert prompts(reading(), "s2") == ["add a parser"]


async def test_a_read_that_began_before_anothers_commit_is_refused_whole(
    ledger: Ledger, scribe: Scribe, reading: Reading
) -> None:
    await scribe.tell("add a parser")

    for seen_rev in (0, 2):
        with pytest.raises(StaleRead):
            await ledger.commit(ONE, scribe.prepared(scribe.event("late")), seen_rev=seen_rev)

    state = await ledger.source_state(ONE)
    assert state is not None
    assert state.rev == 1
    assert prompts(reading()) == ["add a parser"]


async def test_a_session_is_what_its_main_conversation_last_said_of_it(scribe: Scribe, reading: Reading) -> None:
    await scribe.tell(
        scribe.event(SessionInfo(title="Parser", agent_version="2.1.0", model="opus"), at_ms=5_000),
        scribe.event(SessionInfo(title="Sub-agent", branch="other"), at_ms=1_000, subagent_id="a1"),
    )
    await scribe.tell(scribe.event(SessionInfo(title="Parser and tests", parent="s0"), at_ms=0), "add a parser")

    assert sessions(reading(), limit=5) == [
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


async def test_what_was_redacted_skipped_and_passed_by_is_counted(scribe: Scribe, reading: Reading) -> None:
    odd = Skipped(record_type="odd", reason="unknown type", version="2.1.0")
    for _ in range(2):
        await scribe.commit(
            scribe.prepared(
                scribe.event("hello"),
                redacted={"token": 2},
                skipped=(odd, odd, Skipped(record_type="x" * 100, reason="no JSON")),
                oversized=1,
            )
        )

    counted = totals(reading())
    assert (counted.redactions, counted.oversized) == ({"token": 4}, 2)
    assert counted.skipped == (
        SkippedRow(agent="made-up", agent_version="2.1.0", record_type="odd", reason="unknown type", n=4, last_ms=5),
        SkippedRow(agent="made-up", agent_version="", record_type="x" * 80, reason="no JSON", n=2, last_ms=5),
    )


async def test_a_source_full_of_invented_types_does_not_fill_the_ledger(scribe: Scribe, reading: Reading) -> None:
    for part in range(3):
        types = [Skipped(record_type=f"t{part}-{n}", reason="unknown type") for n in range(600)]
        await scribe.commit(scribe.prepared(skipped=tuple(types)))

    (rows,) = reading().execute("SELECT count(*), sum(n) FROM skipped").fetchall()
    assert rows == (1201, 1800)


async def test_a_path_that_is_not_utf8_is_a_source_like_any_other(ledger: Ledger, scribe: Scribe) -> None:
    odd = Source(agent="made-up", path="/t/caf\udce9.jsonl")

    await ledger.commit(odd, scribe.prepared(scribe.event("hello")), seen_rev=0)

    assert locator(odd.path) == b"/t/caf\xe9.jsonl"
    assert list(await ledger.last_reads()) == [("made-up", odd.path)]


@settings(max_examples=12, deadline=None)
@given(reads=st.lists(st.tuples(st.integers(0, 11), st.integers(1, 12)), max_size=12))
async def test_however_often_and_in_what_pieces_it_is_read_each_record_counts_once(
    tmp_path_factory: pytest.TempPathFactory, scribe_of: type[Scribe], reads: list[tuple[int, int]]
) -> None:
    path = tmp_path_factory.mktemp("ledger") / "ledger.sqlite"
    ledger = await Ledger.open(path, DigestReducer())
    scribe = scribe_of(ledger)
    history = [scribe.event(AssistantMessage(text=f"step {n}")) for n in range(12)]
    for start, length in reads:
        await scribe.tell(*history[start : start + length])
    await ledger.close()

    with sqlite3.connect(path) as db:
        keys = [row[0] for row in db.execute("SELECT key FROM event")]
    db.close()
    read = {n for start, length in reads for n in range(start, min(start + length, 12))}
    assert (len(keys), len(set(keys))) == (len(read), len(read))
