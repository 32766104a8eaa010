"""What an earlier version stored of a usage limit breaks no reader, however absurd it is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from itertools import product
from typing import Final

import pytest

from carryover.clock import utc_now_ms
from carryover.config import Config
from carryover.errors import ExitCode
from carryover.fsio import private_dir
from carryover.ledger.connect import connect_read_only
from carryover.past.context import state_dir
from carryover.past.projects import listed_projects, project_here
from carryover.past.timeline import timeline_page
from carryover.past.without_daemon import catch_up
from carryover.records import resets
from support.claude_session import ClaudeWork
from support.recorded_shop import Run

HUGE: Final = (1 << 62) + 1
RESETS: Final = (
    "0001-01-01T00:00:00+00:00",
    "9999-12-31T23:59:59-12:00",
    "3pm (/etc/passwd)",
    "25:99",
    "1" * 5_000,
    "\x1b[31m3pm\u202e",
)


@pytest.mark.parametrize("stored", [*RESETS[:2], *(pytest.param(text, marks=pytest.mark.night) for text in RESETS[2:])])
def test_the_time_at_which_a_limit_resets(
    stored: str, work_at_limit: ClaudeWork, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def as_before(_message: str, _at_ms: int) -> str:
        return stored

    monkeypatch.setattr(resets, "resets_in", as_before)
    catch_up(str(work_at_limit.cwd))

    _every_reader_answers(run)


def test_the_windows_of_a_limit(work_at_limit: ClaudeWork, run: Run) -> None:
    catch_up(str(work_at_limit.cwd))
    with closing(sqlite3.connect(state_dir().ledger)) as db, db:
        minutes, resets_ms = (None, 300, HUGE, -HUGE), (None, HUGE, -HUGE, 253_402_343_999_000)
        for number, window in enumerate(product((-1e308, 1e308, float("inf")), minutes, resets_ms)):
            row = ("claude-code", f"\x1b[31m{number}", utc_now_ms() - 1, *window)
            db.execute("INSERT INTO limit_window VALUES (?, ?, ?, ?, ?, ?)", row)

    _every_reader_answers(run)


@pytest.fixture
def work_at_limit(work: ClaudeWork) -> ClaudeWork:
    work.now = datetime.now(UTC).replace(microsecond=0)
    work.prompt("Add a discount")
    work.answer("I do.")
    work.prompt("Go on")
    work.limit()
    private_dir(state_dir().root)
    return work


def _every_reader_answers(run: Run) -> None:
    for command in ("status", "usage", "log", "show", "handoff", "sessions"):
        for options in ((), ("--json",)):
            code, out, err = run(command, *options)
            assert (code, bool(out), "\x1b[31m" in out + err) == (ExitCode.OK, True, False), (command, err)
    with closing(connect_read_only(state_dir().ledger)) as db:
        [listed] = listed_projects(db, Config(), now_ms=utc_now_ms()).projects
        row = project_here(db, listed.id)
        assert timeline_page(db, row, before_ms=None, limit=9).moments
