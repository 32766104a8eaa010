from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import pytest

from carryover.cli.logs import lines
from carryover.errors import ExitCode
from support.recorded_shop import Run

AT = "2026-11-20T06:21:0{}.000Z"
COMMAND = (sys.executable, "-m", "carryover.cli.main", "logs")


@pytest.fixture
def log(home: Path) -> Path:
    folder = home / ".carryover"
    folder.mkdir(mode=0o700)
    return folder / "carryoverd.log"


def entry(n: int, level: str = "INFO", event: str = "swept") -> str:
    return f"{AT.format(n)} {level} {event} n={n}\n"


def rotate(log: Path) -> None:
    """As logging's RotatingFileHandler does it."""
    for n in (2, 1):
        if (old := log.with_name(f"{log.name}.{n}")).exists():
            old.replace(log.with_name(f"{log.name}.{n + 1}"))
    log.rename(log.with_name(f"{log.name}.1"))


def append(log: Path, text: str) -> None:
    with log.open("a") as file:
        file.write(text)


def test_rotated_files_come_first(log: Path, run: Run) -> None:
    for n in range(4):
        if log.exists():
            rotate(log)
        log.write_text(entry(n))

    assert run.out("logs") == "".join(entry(n) for n in range(4))


def test_where_there_is_no_log_it_says_so(log: Path, run: Run) -> None:
    assert run.err(ExitCode.NOTHING_FOUND, "logs") == (
        f"carryover: There is no log at {log}. carryoverd writes it when it runs.\n"
    )


def test_what_is_less_serious_or_older_is_left_out(log: Path, run: Run) -> None:
    log.write_text(entry(1, "DEBUG") + entry(2, "WARNING") + entry(3, "INFO") + entry(4, "ERROR"))

    assert run.out("logs", "--level", "warning") == entry(2, "WARNING") + entry(4, "ERROR")

    recent = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}.000Z INFO swept\n"
    append(log, recent)
    log.write_text(log.read_text().replace("2026-", "2020-", 4))
    assert run.out("logs", "--since", "10m") == recent


def test_a_line_that_was_cut_off_belongs_to_the_one_before(log: Path, run: Run) -> None:
    log.write_text(entry(1) + "2026-11-20T06:21\n" + entry(2, "ERROR") + "  torn\x1b[31m here\n" + entry(3) + "end")

    assert run.out("logs", "--level", "error") == entry(2, "ERROR") + "  torn here\n"


def test_as_json_each_line_is_an_object(log: Path, run: Run) -> None:
    log.write_text(f'{AT.format(1)} ERROR task_failed task=watcher retry_s=0.5 error="KeyError at a:8"\ntorn\n')

    assert [json.loads(line) for line in run.out("logs", "--json").splitlines()] == [
        {
            "time": AT.format(1),
            "level": "error",
            "event": "task_failed",
            "fields": {"task": "watcher", "retry_s": 0.5, "error": "KeyError at a:8"},
        },
        {"text": "torn"},
    ]


def followed(log: Path, *changes: object) -> list[str]:
    """What following prints while `changes` happen, one at each pause."""
    left: Iterator[object] = iter(changes)

    def wait() -> bool:
        change = next(left, None)
        if callable(change):
            change()
        return change is not None

    return [line for line in lines(log, wait=wait) if line]


def test_a_log_that_is_emptied_or_made_again_is_followed_from_its_beginning(log: Path) -> None:
    log.write_text("one and more\n")

    def make_again() -> None:
        log.unlink()
        log.write_text("three\n")

    assert followed(log, lambda: log.write_text("two\n"), log.exists, make_again) == ["one and more", "two", "three"]


def following() -> subprocess.Popen[str]:
    return subprocess.Popen([*COMMAND, "-f"], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def first_line(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.readline()


def test_ctrl_c_ends_following_without_a_word(log: Path) -> None:
    log.write_text(entry(1))
    with following() as process:
        assert first_line(process.stdout) == entry(1)
        append(log, entry(2))
        assert first_line(process.stdout) == entry(2)
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=30)

    assert (process.returncode, rest) == (ExitCode.INTERRUPTED, ("", ""))


def test_following_ends_when_nobody_reads_any_more_even_while_nothing_is_logged(log: Path) -> None:
    log.write_text(entry(1))
    with following() as process:
        assert process.stdout is not None
        assert first_line(process.stdout) == entry(1)
        process.stdout.close()
        assert process.wait(30) == ExitCode.OK
        assert process.stderr is not None
        assert process.stderr.read() == ""
