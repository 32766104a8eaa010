from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import carryover
from carryover.daemon.run import acquire_daemon_lock
from carryover.errors import ExitCode, UserError
from carryover.fsio import FileLock
from carryover.paths import StateDir


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    return StateDir(tmp_path)


def test_a_second_daemon_is_told_where_the_first_is(state: StateDir) -> None:
    lock = acquire_daemon_lock(state, started_ms=1_795_155_000_000)
    with pytest.raises(UserError) as refused:
        acquire_daemon_lock(state, started_ms=1_795_155_060_000)
    lock.release()

    assert refused.value.code == ExitCode.REFUSED
    where = f"process {os.getpid()} since 2026-11-20T06:10:00Z, answering on {state.socket}."
    assert where in str(refused.value)


def test_once_the_first_is_gone_another_may_start(state: StateDir) -> None:
    acquire_daemon_lock(state, started_ms=0).release()
    acquire_daemon_lock(state, started_ms=0).release()


def test_a_lock_held_by_something_else_is_respected_too(state: StateDir) -> None:
    with FileLock(state.lock), pytest.raises(UserError, match="Another process is using the state folder"):
        acquire_daemon_lock(state, started_ms=0)


LOADED_THEN = """
import sys
from carryover.daemon.run import load_all
load_all()
print(*(name for name in sys.modules if name.startswith("carryover.") or name == "git"), sep="\\n")
"""


def test_a_daemon_has_all_of_the_program_but_its_commands() -> None:
    ran = subprocess.run([sys.executable, "-c", LOADED_THEN], capture_output=True, text=True, check=True)
    source = Path(carryover.__file__).parent
    modules = {
        ".".join(("carryover", *path.relative_to(source).with_suffix("").parts)).removesuffix(".__init__")
        for path in source.rglob("*.py")
    } - {"carryover"}
    for_daemons = {name for name in modules if name.split(".")[1] not in ("cli", "diagnose", "install")}

    assert set(ran.stdout.split()) == for_daemons | {"git"}
