from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

import pytest

from carryover.adapter.contract import Source
from carryover.errors import ExitCode, UserError
from carryover.ledger.queries import (
    agents_seen,
    changed_since_published,
    roots_below,
    session_by_prefix,
    sessions,
    sessions_by_agent,
    short_ids,
    shortest_unique,
    totals,
    unpublished,
)
from carryover.ledger.rows import BrokenSource
from carryover.ledger.schema import migrate
from carryover.ledger.store import Ledger
from carryover.ledger.usage import has_answered
from carryover.model import NOTE, AssistantMessage, StoredEvent, UserPrompt
from support.scribe import Scribe


async def test_a_session_is_found_by_the_beginning_of_its_id(scribe: Scribe) -> None:
    for session in ("abc-1", "abc-2", "abc", "x_z", "xyz", "aBc1", "ABC1", "d4E5"):
        await scribe.tell(scribe.event("hi", session=session), path=f"/t/{session}")

    for given in ("abc-2", "abc", "aBc1", "ABC1"):
        assert session_by_prefix(scribe.db, given).native_id == given
    for given, found in (("x_", "x_z"), ("D4", "d4E5"), ("made-up:d4e5", "d4E5")):
        assert session_by_prefix(scribe.db, given).native_id == found
    for given, message, code in (
        ("ab", "Several sessions begin with 'ab'", ExitCode.USAGE),
        ("abc1", r"Several sessions begin with 'abc1': [^,]+, [^,]+\. Give", ExitCode.USAGE),
        ("a", r"Several sessions begin with 'a': [^,]+, [^,]+, [^,]+, and more\. Give", ExitCode.USAGE),
        ("q", "No session begins with 'q'", ExitCode.NOTHING_FOUND),
        ("made-up", "No session begins with 'made-up'", ExitCode.NOTHING_FOUND),
        ("", "The session id is empty", ExitCode.USAGE),
    ):
        with pytest.raises(UserError, match=message) as refused:
            session_by_prefix(scribe.db, given)
        assert refused.value.code == code


async def test_a_sessions_sub_agents_are_woven_in_by_time_and_each_keeps_its_order(scribe: Scribe) -> None:
    await scribe.tell(
        scribe.event("find it", at_ms=10), scribe.event("thanks", at_ms=40), scribe.event("late record", at_ms=35)
    )
    await scribe.tell(scribe.event(AssistantMessage(text="found"), at_ms=20, subagent_id="a1"), path="/t/a1")

    assert scribe.events() == [
        StoredEvent(at_ms=10, subagent_id=None, body=UserPrompt(text="find it")),
        StoredEvent(at_ms=20, subagent_id="a1", body=AssistantMessage(text="found")),
        StoredEvent(at_ms=40, subagent_id=None, body=UserPrompt(text="thanks")),
        StoredEvent(at_ms=35, subagent_id=None, body=UserPrompt(text="late record")),
    ]


async def test_totals_count_what_the_ledger_holds(ledger: Ledger, scribe: Scribe) -> None:
    await scribe.tell("a", "b")
    await scribe.tell(scribe.event("c", session="s2", cwd=None), path="/t/2")
    await ledger.mark_broken(Source(agent="made-up", path="/t/2"), "Permission denied", retry_ms=9)

    found = totals(scribe.db)

    assert (found.events, found.sessions, found.project_count, found.sources) == (3, 2, 1, 2)
    broken = BrokenSource(agent="made-up", path="/t/2", error="Permission denied", failures=1, retry_ms=9)
    assert found.broken == (broken,)
    assert found.bytes > 4096
    assert (found.redactions, found.oversized, found.skipped, found.incidents) == ({}, 0, (), ())


async def test_a_project_is_unpublished_until_its_newest_commit_went_out(ledger: Ledger, scribe: Scribe) -> None:
    await scribe.tell(scribe.event("old", session="s1", cwd="/old", at_ms=1_000), path="/t/1")
    await scribe.tell(scribe.event("new", session="s2", cwd="/new", at_ms=9_000), path="/t/2")
    assert [unpublished(scribe.db, since_ms=since_ms) for since_ms in (0, 5_000)] == [[2, 1], [2]]

    await ledger.set_published(2, "abc", 10**14, None)
    assert unpublished(scribe.db, since_ms=0) == [1]
    await ledger.set_published(2, "abc", 1, None)
    assert unpublished(scribe.db, since_ms=0) == [2, 1]


async def test_a_commit_of_the_same_moment_is_the_one_that_was_published(ledger: Ledger, scribe: Scribe) -> None:
    await scribe.tell(scribe.event("a", session="s1", cwd="/srv/app"), path="/t/1")
    ((project, changed_ms),) = scribe.db.execute("SELECT id, changed_ms FROM project")

    for published_ms, since in ((changed_ms, False), (changed_ms - 1, False), (changed_ms - 2, True)):
        await ledger.set_published(project, None, published_ms, "not yet")
        assert changed_since_published(scribe.db, project) == since


async def test_a_note_is_no_agents(scribe: Scribe, ledger: Ledger) -> None:
    await scribe.tell(scribe.event("a", session="s1", cwd="/srv/app"))
    noted = Scribe(ledger, agent=NOTE, written=10)
    for session, cwd in (("note-1", "/srv/app"), ("note-2", "/other")):
        await noted.tell(noted.event(AssistantMessage(text="Cap it."), session=session, cwd=cwd), path=f"/{session}")

    assert [row.agent for row in agents_seen(scribe.db)] == [scribe.agent]
    assert [row.native_id for row in sessions(scribe.db, 1, limit=5, notes=False)] == ["s1"]
    assert [row.native_id for row in sessions(scribe.db, 1, limit=5)] == ["note-1", "s1"]


@pytest.mark.parametrize(
    "read",
    [
        lambda db: sessions(db, limit=20, notes=False),
        lambda db: short_ids(db, [f"{number:08x}-0000" for number in range(20)]),
        lambda db: has_answered(db, "codex", since_ms=2_000),
    ],
)
def test_what_is_read_of_some_sessions_does_not_grow_with_all(read: Callable[[sqlite3.Connection], object]) -> None:
    few, many = (_steps(number, read) for number in (200, 2_000))

    assert many < 1.5 * few


def test_the_shortest_beginning_of_an_id_is_that_among_all() -> None:
    ids = ["abcdefgh", "abcdefgh-1", "abcdefgh-12", "abcdefghi", "b", "last", "lasting-one", "Zürich-über", "Zürich-ü"]
    with closing(_ledger_of(ids)) as db:
        assert short_ids(db, [*ids, "unknown"]) == shortest_unique(ids)


def test_sessions_are_counted_by_agent_in_a_project_or_in_all() -> None:
    with closing(_ledger_of(map(str, range(9)))) as db:
        assert sessions_by_agent(db, None) == {"codex": 9}
        assert sessions_by_agent(db, 1) == {"codex": 5}


def test_the_sessions_of_each_agent_are_counted_also_without_a_project() -> None:
    with closing(_ledger_of(["shop", "till", "shop-2", "till-2", "nowhere"])) as db:
        db.execute("UPDATE session SET agent = 'aider' WHERE native_id IN ('till', 'shop-2', 'nowhere')")
        db.execute("UPDATE session SET project_id = NULL WHERE native_id = 'nowhere'")

        found = [(row.agent, row.sessions, row.last_event_ms) for row in agents_seen(db)]
        assert found == [("aider", 3, 4), ("codex", 2, 3)]


@pytest.mark.parametrize(
    ("root", "below"), [("/", ("/srv/shop", "/srv/till")), ("/srv", ("/srv/shop", "/srv/till")), ("/srv/s", ())]
)
def test_projects_are_below_a_folder_however_high_it_is(root: str, below: tuple[str, ...]) -> None:
    with closing(_ledger_of([])) as db:
        assert roots_below(db, root) == below


def _steps(number: int, read: Callable[[sqlite3.Connection], object]) -> int:
    """The tens of steps that SQLite takes for it where that many sessions are recorded."""
    taken: list[None] = []
    with closing(_ledger_of(f"{number:08x}-0000" for number in range(number))) as db:
        db.set_progress_handler(lambda: taken.append(None), 10)
        read(db)
    return len(taken)


def _ledger_of(ids: Iterable[str]) -> sqlite3.Connection:
    """One of answered sessions of Codex with these ids, by turns in two projects, the last the newest."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    migrate(db, Path("ledger.sqlite"))
    db.execute("INSERT INTO project (id, root) VALUES (1, '/srv/shop'), (2, '/srv/till')")
    rows = [(name, number % 2 + 1, number, number) for number, name in enumerate(ids)]
    insert = "INSERT INTO session (agent, native_id, project_id, started_ms, last_ms) VALUES ('codex', ?, ?, ?, ?)"
    db.executemany(insert, rows)
    db.execute("INSERT INTO tokens SELECT id, native_id, id, last_ms, '', 9, 9, 0, 0 FROM session")
    return db
