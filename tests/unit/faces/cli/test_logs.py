from __future__ import annotations

from pathlib import Path

import pytest

from carryover.errors import ExitCode
from support.recorded_shop import Run

AT = "2026-11-20T06:21:0{}.000Z"


@pytest.fixture
def log(home: Path) -> Path:
    folder = home / ".carryover"
    folder.mkdir(mode=0o700)
    return folder / "carryoverd.log"


def entry(n: int, level: str = "INFO", event: str = "swept") -> str:
    return f"{AT.format(n)} {level} {event} n={n}\n"


def test_rotated_files_come_first_and_where_there_is_none_it_says_so(log: Path, run: Run) -> None:
    said = f"carryover: There is no log at {log}. carryoverd writes it when it runs: `carryover start`.\n"
    assert run.err(ExitCode.NOTHING_FOUND, "logs") == said
    for n, suffix in enumerate((".3", ".2", ".1", "")):
        log.with_name(f"{log.name}{suffix}").write_text(entry(n))

    assert run.out("logs") == "".join(entry(n) for n in range(4))


def test_only_the_newest_lines_are_printed_if_a_number_is_given(log: Path, run: Run) -> None:
    log.write_text("".join(entry(n) for n in range(4)))

    assert run.out("logs", "-n", "2") == entry(2) + entry(3)
    assert run.out("logs", "-n", "9") == "".join(entry(n) for n in range(4))


def test_warnings_and_errors_stand_out(log: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    levels = ("INFO", "WARNING", "ERROR", "DEBUG")
    log.write_text("".join(entry(n, level) for n, level in enumerate(levels)) + "torn\n")

    assert [line.startswith("\x1b[33m") for line in run.out("logs").splitlines()] == [False, True, True, False, False]
