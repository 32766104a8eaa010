from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from carryover.errors import UserError
from carryover.ledger.connect import prepare_file
from carryover.past.latest import Latest

FOR_EVER = "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number) SELECT count(*) FROM number"


class Asked:
    """Answers with the question; `for ever` is answered when it is interrupted."""

    def __init__(self, path: Path) -> None:
        self.loop = asyncio.get_running_loop()
        self.begun = asyncio.Event()
        self.latest: Latest[str, str] = Latest(path, self._answer)

    def _answer(self, db: sqlite3.Connection, question: str) -> str:
        self.loop.call_soon_threadsafe(self.begun.set)
        return str(db.execute(FOR_EVER).fetchone()) if question == "for ever" else question


async def test_a_newer_question_interrupts_an_older_one(ledger_path: Path) -> None:
    prepare_file(ledger_path)
    asked = Asked(ledger_path)
    older = asyncio.create_task(asked.latest.answer("for ever"))
    await asked.begun.wait()

    assert await asked.latest.answer("second") == "second"
    assert await older is None


async def test_a_screen_that_is_left_ends_it_in_the_middle_of_a_question(ledger_path: Path) -> None:
    prepare_file(ledger_path)
    asked = Asked(ledger_path)
    task = asyncio.create_task(asked.latest.answer("for ever"))
    await asked.begun.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.get_running_loop().shutdown_default_executor()


async def test_a_ledger_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no ledger"):
        await Asked(tmp_path / "none.sqlite").latest.answer("first")
