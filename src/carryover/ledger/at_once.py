"""Runs a whole transaction on the thread of the ledger's connection.

Each statement that the event loop hands to that thread costs two changes of thread. While other threads parse a
history, each of these waits for the interpreter for up to 5 ms, so a commit of twenty statements would take a fifth of
a second. What a commit does is written as a coroutine over a connection; here it runs to its end without an event loop.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any, ParamSpec, TypeVar, cast

import aiosqlite

P = ParamSpec("P")
T = TypeVar("T")


class _AtOnce:
    """A connection whose coroutines never wait: the part of `aiosqlite.Connection` that transactions use."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    async def execute(self, statement: str, parameters: Any = ()) -> sqlite3.Cursor:
        return self._db.execute(statement, parameters)

    async def execute_fetchall(self, statement: str, parameters: Any = ()) -> Sequence[Any]:
        return self._db.execute(statement, parameters).fetchall()

    async def executemany(self, statement: str, parameters: Iterable[Any]) -> sqlite3.Cursor:
        return self._db.executemany(statement, parameters)


async def run_transaction(
    db: aiosqlite.Connection, work: Callable[[aiosqlite.Connection], Coroutine[Any, Any, T]]
) -> T:
    """Runs `work` in a transaction on the connection's thread, and returns its result; an error rolls it back.

    `work` may wait for nothing but its statements and `aside`. Cancelled, it is finished all the same.
    """
    run = cast("Callable[[Callable[[], T]], Awaitable[T]]", db._execute)  # the one way to that thread
    return await run(lambda: _in_transaction(db._conn, work))


async def aside(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of `function`, which blocks: from a thread beside the event loop, or from this one if it has none."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return function(*args, **kwargs)
    return await asyncio.to_thread(function, *args, **kwargs)


def _in_transaction(db: sqlite3.Connection, work: Callable[[aiosqlite.Connection], Coroutine[Any, Any, T]]) -> T:
    db.execute("BEGIN IMMEDIATE")
    try:
        result = _finished(work(cast("aiosqlite.Connection", _AtOnce(db))))
        db.commit()
    except BaseException:
        db.rollback()
        raise
    return result


def _finished(work: Coroutine[Any, Any, T]) -> T:
    try:
        work.send(None)
    except StopIteration as end:
        return cast("T", end.value)
    work.close()
    raise RuntimeError("a transaction waited for something that is not the ledger's")
