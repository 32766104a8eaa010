"""The daemon's log is read across its files."""

from __future__ import annotations

from pathlib import Path

import pytest

from carryover.past.context import state_dir
from carryover.past.logs import log_lines

WARNED = "2026-11-20T06:21:01.000Z WARNING retried n=1"
SWEPT = "2026-11-20T06:21:02.000Z INFO swept n=2"
FAILED = "2026-11-20T06:21:03.000Z ERROR failed n=3"


@pytest.fixture
def log(home: Path) -> Path:
    state_dir().root.mkdir(mode=0o700)
    return state_dir().log


def older(log: Path) -> Path:
    return log.with_name(f"{log.name}.1")


def test_lines_come_oldest_first(log: Path) -> None:
    older(log).write_text(f"cut off\n{WARNED}\nits rest\ntorn")
    log.write_text(f"{SWEPT}\n{FAILED}\n")

    assert [*log_lines()] == ["cut off", WARNED, "its rest", "torn", SWEPT, FAILED]
