"""The daemon's log is read across its files, and followed across rotations."""

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

    assert [*log_lines(wait=None)] == ["cut off", WARNED, "its rest", "torn", SWEPT, FAILED]


def test_a_log_is_followed_line_by_line_when_it_is_rotated_emptied_or_made_again(log: Path) -> None:
    def half() -> None:
        log.write_text(f"{WARNED}\n{SWEPT[:30]}")

    def rotate() -> None:
        with log.open("a") as file:
            file.write(f"{SWEPT[30:]}\n")
        log.rename(older(log))
        log.write_text(f"{FAILED}\n")

    def empty() -> None:
        log.write_text("")

    def fill() -> None:
        log.write_text(f"{SWEPT}\n")

    def make_again() -> None:
        log.unlink()
        older(log).unlink()
        log.write_text(f"{FAILED}\n")

    acts = iter((half, rotate, empty, fill, make_again))

    def wait() -> bool:
        act = next(acts, None)
        if act is not None:
            act()
        return act is not None

    seen = list(log_lines(wait=wait))

    assert seen == ["", WARNED, "", SWEPT, FAILED, "", "", SWEPT, "", FAILED, ""]
