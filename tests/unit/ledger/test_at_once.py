"""A transaction as one job of the connection's thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import aiosqlite
import pytest

from carryover.ledger.at_once import aside, run_transaction


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[aiosqlite.Connection]:
    async with aiosqlite.connect(tmp_path / "t.sqlite", isolation_level=None) as connection:
        await connection.execute("CREATE TABLE t (n INTEGER)")
        yield connection


async def numbers(db: aiosqlite.Connection) -> list[int]:
    return [n for (n,) in await db.execute_fetchall("SELECT n FROM t ORDER BY n")]


async def add_two(db: aiosqlite.Connection) -> str:
    await db.executemany("INSERT INTO t VALUES (?)", [(1,), (2,)])
    assert (await db.execute("DELETE FROM t WHERE n = ?", (2,))).rowcount == 1
    await db.execute_fetchall("INSERT INTO t VALUES (3)")
    return await aside(lambda: threading.current_thread().name)


async def test_it_runs_and_commits_on_the_thread_of_the_connection(db: aiosqlite.Connection) -> None:
    ran_on = await run_transaction(db, add_two)

    assert ran_on != threading.current_thread().name
    assert (await numbers(db), db.in_transaction) == ([1, 3], False)


async def test_an_error_rolls_it_back_and_the_next_one_works(db: aiosqlite.Connection) -> None:
    async def fail(now: aiosqlite.Connection) -> None:
        await add_two(now)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await run_transaction(db, fail)

    assert (await numbers(db), db.in_transaction) == ([], False)
    await run_transaction(db, add_two)
    assert await numbers(db) == [1, 3]


async def test_one_that_waits_for_the_event_loop_is_refused_and_rolled_back(db: aiosqlite.Connection) -> None:
    async def wait(now: aiosqlite.Connection) -> None:
        await add_two(now)
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="waited for something"):
        await run_transaction(db, wait)

    assert (await numbers(db), db.in_transaction) == ([], False)


async def test_cancelled_it_is_finished_before_anything_else(db: aiosqlite.Connection) -> None:
    begun, release = threading.Event(), threading.Event()

    async def slow(now: aiosqlite.Connection) -> None:
        begun.set()
        release.wait(10)
        await add_two(now)

    task = asyncio.ensure_future(run_transaction(db, slow))
    await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    release.set()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert await numbers(db) == [1, 3]


async def test_beside_an_event_loop_blocking_work_has_a_thread_of_its_own() -> None:
    assert await aside(threading.current_thread) is not threading.current_thread()
