"""Of long prompts the ledger has hashes, by which it finds those that share lines, at a bounded cost."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from carryover.ledger.long_prompts import MOST_LIKE_IT, long_prompts, prompts_like
from carryover.model import UserPrompt
from support.scribe import Scribe


def lines(count: int, what: str = "of all prompts") -> str:
    return "\n".join(f"This is the line {number} {what}" for number in range(count))


def counts(path: Path) -> tuple[int, int]:
    """The number of long prompts, and of lines."""
    with closing(sqlite3.connect(path)) as db:
        tables = ("long_prompt", "prompt_line")
        prompts, found = (db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables)
    return prompts, found


async def test_of_a_text_that_is_sent_again_the_lines_are_there_once(scribe: Scribe, ledger_path: Path) -> None:
    for _ in range(5):
        await scribe.tell(lines(20))

    assert counts(ledger_path) == (5, 20)


async def test_a_pasted_log_does_not_fill_the_ledger(scribe: Scribe, ledger_path: Path) -> None:
    await scribe.tell(lines(5_000))

    assert counts(ledger_path) == (1, 400)


async def test_short_prompts_and_those_that_no_person_typed_leave_nothing(scribe: Scribe, ledger_path: Path) -> None:
    await scribe.tell(lines(7), "\n".join("short" for _ in range(99)))
    await scribe.tell(scribe.event(UserPrompt(text=lines(20), actor="model")))

    assert counts(ledger_path) == (0, 0)


async def test_prompts_that_share_the_most_lines_are_found_and_never_the_same_text(scribe: Scribe) -> None:
    await scribe.tell(lines(30), lines(30), lines(40, "of another kind"), f"{lines(1)}\n{lines(9, 'of a third kind')}")
    (first,) = scribe.db.execute("SELECT min(id) FROM long_prompt").fetchone()
    assert prompts_like(scribe.db, first, lines(30)) == []
    for number in range(20):
        await scribe.tell(f"{lines(30)}\nand this one has the number {number}")

    found = prompts_like(scribe.db, first, lines(30))

    assert len(found) == len(set(found)) == MOST_LIKE_IT
    assert {text.rpartition("\n")[0] for text in found} == {lines(30)}


async def test_of_two_prompts_at_the_same_time_neither_is_taken_for_the_other(scribe: Scribe) -> None:
    await scribe.tell(*(scribe.event(lines(9, what), at_ms=5_000) for what in ("of the first", "of the second")))
    await scribe.tell(scribe.event(lines(9), at_ms=6_000))

    (thread_id,) = scribe.db.execute("SELECT id FROM thread").fetchone()
    assert list(long_prompts(scribe.db, thread_id)) == [6_000]
