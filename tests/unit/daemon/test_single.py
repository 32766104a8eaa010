from __future__ import annotations

import os
from pathlib import Path

import pytest

from carryover.daemon.single import become_the_only_one
from carryover.errors import ExitCode, UserError
from carryover.fsio import FileLock
from carryover.paths import StateDir


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    return StateDir(tmp_path)


def test_a_second_daemon_is_told_where_the_first_is(state: StateDir) -> None:
    lock = become_the_only_one(state, started_ms=1_795_155_000_000)
    with pytest.raises(UserError) as refused:
        become_the_only_one(state, started_ms=1_795_155_060_000)
    lock.release()

    assert refused.value.code == ExitCode.REFUSED
    where = f"process {os.getpid()} since 2026-11-20T06:10:00Z, answering on {state.socket}."
    assert where in str(refused.value)


def test_once_the_first_is_gone_another_may_start(state: StateDir) -> None:
    become_the_only_one(state, started_ms=0).release()
    become_the_only_one(state, started_ms=0).release()


def test_a_lock_held_by_something_else_is_respected_too(state: StateDir) -> None:
    with FileLock(state.lock), pytest.raises(UserError, match="Another process is using the state folder"):
        become_the_only_one(state, started_ms=0)
