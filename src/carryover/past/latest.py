"""Answers questions to a ledger in a thread of its own, for a screen that must not wait; only the newest one counts."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final, Generic, Self, TypeVar

from carryover.errors import UserError
from carryover.ledger.connect import as_ledger_error, connect_tolerant

STEPS: Final = 2_000
"""How many of SQLite's instructions may run before it is seen that a newer question is there."""

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class Latest(Generic[Question, Answer]):
    """The thread runs while the block lasts, with a connection of its own. A newer question interrupts an older one."""

    def __init__(self, ledger: Path, answer: Callable[[sqlite3.Connection, Question], Answer]) -> None:
        self._ledger: Final = ledger
        self._make: Final = answer
        self._changed: Final = threading.Condition()
        self._thread: Final = threading.Thread(target=self._run, name="carryover-latest")
        self._asked: list[Question] = []
        """The newest question, until the thread takes it."""
        self._answers: list[Answer | UserError] = []
        """The answer to the newest question, until it is taken."""
        self._is_closed = False
        self.on_answer: Callable[[], object] | None = None
        """Called in the thread when there is an answer to take."""

    def request(self, question: Question) -> None:
        """Has `question` answered instead of those before."""
        with self._changed:
            self._asked = [question]
            self._answers = []
            self._changed.notify()

    def take(self) -> Answer | UserError | None:
        """Returns the answer to the newest question, or why there is none; None if it isn't there yet or was taken."""
        with self._changed:
            return self._answers.pop() if self._answers else None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        try:
            with closing(connect_tolerant(self._ledger)) as db:
                # Unlike `interrupt()`, this also ends a statement that begins just after the newer question came.
                db.set_progress_handler(self._has_work, STEPS)
                while question := self._next():
                    self._answer(db, question[0])
        except UserError as trouble:  # it can't be opened
            while self._next():
                self._tell(trouble)

    def _next(self) -> list[Question]:
        """Waits for a question; returns none if there will be no more."""
        with self._changed:
            self._changed.wait_for(self._has_work)
            question = [] if self._is_closed else self._asked
            self._asked = []
            return question

    def _has_work(self) -> bool:
        return self._is_closed or bool(self._asked)

    def _answer(self, db: sqlite3.Connection, question: Question) -> None:
        try:
            with as_ledger_error(self._ledger):
                answer: Answer | UserError = self._make(db, question)
        except UserError as trouble:
            answer = trouble
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                raise
            return
        self._tell(answer)

    def _tell(self, answer: Answer | UserError) -> None:
        with self._changed:
            if self._has_work():  # a newer question came meanwhile
                return
            self._answers = [answer]
        if self.on_answer is not None:
            self.on_answer()
