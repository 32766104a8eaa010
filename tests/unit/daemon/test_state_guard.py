from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from carryover.daemon.state_guard import StateGuard, StateTakenAway


@pytest.fixture
def state(tmp_path: Path) -> Path:
    root = tmp_path / "state"
    root.mkdir()
    (root / "daemon.lock").write_bytes(b"{}")
    (root / "ledger.sqlite").write_bytes(b"SQLite format 3\0" + bytes(4096))
    return root


def guard_of(state: Path) -> StateGuard:
    return StateGuard((state, state / "daemon.lock"), ledger=state / "ledger.sqlite")


def replaced(path: Path) -> None:
    path.with_name("new").write_bytes(path.read_bytes())
    path.with_name("new").replace(path)


TAKEN: dict[str, Callable[[Path], object]] = {
    "the folder removed": shutil.rmtree,
    "the folder moved": lambda state: state.rename(state.with_name("moved")),
    "the lock removed": lambda state: (state / "daemon.lock").unlink(),
    "the lock replaced": lambda state: replaced(state / "daemon.lock"),
    "the ledger removed": lambda state: (state / "ledger.sqlite").unlink(),
    "the ledger replaced": lambda state: replaced(state / "ledger.sqlite"),
    "the ledger emptied": lambda state: (state / "ledger.sqlite").write_bytes(b""),
}


@pytest.mark.parametrize("what", TAKEN)
def test_what_is_taken_away_is_noticed(state: Path, what: str) -> None:
    guard = guard_of(state)
    guard.check()

    TAKEN[what](state)

    with pytest.raises(StateTakenAway, match="was removed, replaced or emptied"):
        guard.check()
