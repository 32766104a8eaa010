from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from carryover.errors import UserError
from carryover.ledger.connect import prepare_file
from carryover.past.latest import Latest

FOR_EVER = "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number) SELECT count(*) FROM number"
ENOUGH_S = 30


class Asked:
    """Answers with the question; `for ever` is answered when it is interrupted."""

    def __init__(self, path: Path) -> None:
        self.begun = threading.Event()
        self.is_there = threading.Event()
        self.latest: Latest[str, str] = Latest(path, self._answer)
        self.latest.on_answer = self.is_there.set

    def _answer(self, db: sqlite3.Connection, question: str) -> str:
        self.begun.set()
        return str(db.execute(FOR_EVER).fetchone()) if question == "for ever" else question

    def answer(self) -> str | UserError | None:
        assert self.is_there.wait(ENOUGH_S)
        return self.latest.take()


@pytest.fixture
def asked(ledger_path: Path) -> Iterator[Asked]:
    prepare_file(ledger_path)
    asked = Asked(ledger_path)
    with asked.latest:
        yield asked


def test_a_newer_question_interrupts_an_older_one(asked: Asked) -> None:
    asked.latest.request("for ever")
    assert asked.begun.wait(ENOUGH_S)
    asked.latest.request("second")

    assert asked.answer() == "second"
    assert asked.latest.take() is None


def test_it_ends_in_the_middle_of_a_question(asked: Asked) -> None:
    asked.latest.request("for ever")
    assert asked.begun.wait(ENOUGH_S)


def test_a_ledger_that_cannot_be_read_is_the_answer(tmp_path: Path) -> None:
    asked = Asked(tmp_path / "none.sqlite")
    with asked.latest:
        asked.latest.request("first")
        answer = asked.answer()

    assert isinstance(answer, UserError)
    assert "There is no ledger" in str(answer)
