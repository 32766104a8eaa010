"""Answers questions to a ledger in a thread, for a screen that must not wait; only the newest one counts."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final, Generic, TypeVar

from carryover.ledger.connect import as_ledger_error, connect_tolerant

STEPS: Final = 2_000
"""How many of SQLite's instructions may run before it is seen that a newer question is there."""

_Question = TypeVar("_Question")
_Answer = TypeVar("_Answer")


class Latest(Generic[_Question, _Answer]):
    """Each question has a connection of its own. A newer one interrupts an older one, in the middle of a statement.

    latest = Latest(path, listing_of)  # in the screen's event loop
    if (listing := await latest.answer(query)) is not None:  # and no newer query came meanwhile
        use(listing)
    """

    def __init__(self, ledger: Path, function: Callable[[sqlite3.Connection, _Question], _Answer]) -> None:
        self._ledger: Final = ledger
        self._function: Final = function
        self._one_at_a_time: Final = threading.Lock()
        self._newest: object = None

    async def answer(self, question: _Question) -> _Answer | None:
        """Returns the answer; None if a newer question came before it. Raises UserError if the ledger can't be read."""
        this = self._newest = object()
        try:
            return await asyncio.to_thread(self._answered, question, this)
        except asyncio.CancelledError:
            self._newest = None  # the thread ends too
            raise

    def _answered(self, question: _Question, this: object) -> _Answer | None:
        def is_outdated() -> bool:
            return self._newest is not this

        with self._one_at_a_time, as_ledger_error(self._ledger):
            if is_outdated():
                return None
            with closing(connect_tolerant(self._ledger)) as db:
                # Unlike `interrupt()`, this also ends a statement that begins just after the newer question came.
                db.set_progress_handler(is_outdated, STEPS)
                try:
                    answer = self._function(db, question)
                except sqlite3.OperationalError as error:
                    if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                        raise
                    return None
                return None if is_outdated() else answer
