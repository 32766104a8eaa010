from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from carryover.errors import ExitCode
from support.recorded_shop import Run

AT = "2026-11-20T06:21:0{}.000Z"
COMMAND = (sys.executable, "-m", "carryover.faces.cli.main", "logs")


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


def following(*options: str) -> subprocess.Popen[str]:
    return subprocess.Popen([*COMMAND, "-f", *options], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_ctrl_c_ends_following_without_a_word(log: Path) -> None:
    log.write_text(entry(0) + entry(1))
    with following("-n", "1") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == entry(1)
        with log.open("a") as file:
            file.write(entry(2))
        assert process.stdout.readline() == entry(2)
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=30)

    assert (process.returncode, rest) == (ExitCode.INTERRUPTED, ("", ""))


def test_following_ends_when_nobody_reads_any_more_even_while_nothing_is_logged(log: Path) -> None:
    log.write_text(entry(1))
    with following() as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == entry(1)
        process.stdout.close()
        assert (process.wait(30), process.stderr.read()) == (ExitCode.OK, "")
