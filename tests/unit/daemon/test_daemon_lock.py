from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path

import msgspec
import pytest

from carryover.daemon.daemon_lock import DaemonHolder, StateUnusable, acquire_daemon_lock
from carryover.errors import ExitCode, UserError
from carryover.fsio import FileLock
from carryover.paths import StateDir


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    return StateDir(tmp_path)


def test_a_second_daemon_is_refused_and_learns_where_the_first_is(state: StateDir) -> None:
    lock = acquire_daemon_lock(state, started_ms=1_795_155_000_000)
    with pytest.raises(UserError) as refused:
        acquire_daemon_lock(state, started_ms=1_795_155_060_000)
    lock.release()

    assert refused.value.code == ExitCode.REFUSED
    where = f"process {os.getpid()} since 2026-11-20T06:10:00Z, answering on {state.socket}."
    assert where in str(refused.value)


def test_a_command_that_holds_the_lock_is_waited_for(state: StateDir) -> None:
    command = FileLock(state.lock)
    assert command.acquire()
    threading.Timer(0.3, command.release).start()

    lock = acquire_daemon_lock(state, started_ms=0)

    lock.release()


def test_the_file_of_a_daemon_that_was_killed_is_waited_for(state: StateDir) -> None:
    """A program that it was just starting has its files until it runs."""
    with subprocess.Popen(["true"]) as killed:
        killed.wait()
    inherited = FileLock(state.lock)
    holder = DaemonHolder(pid=killed.pid, socket="", started_ms=0)
    assert inherited.acquire(msgspec.json.encode(holder).decode())
    threading.Timer(0.3, inherited.release).start()

    lock = acquire_daemon_lock(state, started_ms=0)

    lock.release()


def test_a_lock_file_that_cannot_be_opened_is_named(state: StateDir) -> None:
    state.lock.symlink_to("elsewhere")

    with pytest.raises(StateUnusable, match=r"daemon\.lock cannot be taken: .* Nothing was changed"):
        acquire_daemon_lock(state, started_ms=0)


def test_a_command_that_never_ends_is_a_failure_worth_a_retry(state: StateDir) -> None:
    with FileLock(state.lock), pytest.raises(UserError, match="Another process is using the state folder") as failed:
        acquire_daemon_lock(state, started_ms=0, wait_s=0)

    assert failed.value.code == ExitCode.FAILED
