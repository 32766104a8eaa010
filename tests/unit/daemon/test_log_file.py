from __future__ import annotations

from pathlib import Path

import pytest

from carryover.daemon.log import Word, line
from carryover.daemon.log_file import LogLine, last_lines, open_files, parse_line

TIME = "2026-11-20T06:21:01.250Z"


def test_a_line_is_read_as_it_was_written() -> None:
    written = line("source_read", {"agent": Word("x-y"), "n": 3, "ms": 2.345, "once": False, "end": None})

    assert parse_line(f"{TIME} INFO {written}") == LogLine(
        time=TIME,
        level="info",
        event="source_read",
        fields={"agent": "x-y", "n": 3, "ms": 2.35, "once": False, "end": None},
    )


@pytest.mark.parametrize(
    "text", ["", "x", TIME, f"{TIME} INFO", f"{TIME} LOUD event", "2026-99-99T06:21:01.250Z INFO event", "\0" * 40]
)
def test_what_was_cut_off_says_nothing(text: str) -> None:
    assert parse_line(text) is None


def write(folder: Path, **files: str) -> Path:
    log = folder / "carryoverd.log"
    for name, text in files.items():
        log.with_name(f"{log.name}{name.replace('current', '').replace('old', '.')}").write_text(text)
    return log


def read(log: Path, newer_than: int | None = None) -> list[bytes]:
    found = []
    for file in open_files(log, newer_than):
        with file:
            found.append(file.read())
    return found


def test_files_are_opened_from_the_oldest_to_the_newest(tmp_path: Path) -> None:
    log = write(tmp_path, current="d", old1="c", old2="b", old3="a", old4="never kept")

    assert read(log) == [b"a", b"b", b"c", b"d"]
    assert read(log, log.with_name("carryoverd.log.2").stat().st_ino) == [b"c", b"d"]
    assert read(log, log.stat().st_ino) == []
    assert read(log, newer_than=-1) == [b"a", b"b", b"c", b"d"], "what was followed is no longer kept"


def test_a_file_that_is_met_again_under_its_next_name_is_read_once(tmp_path: Path) -> None:
    log = write(tmp_path, current="b", old2="a")
    log.with_name("carryoverd.log.1").hardlink_to(log)  # as a rotation between two looks shows it

    assert read(log) == [b"a", b"b"]


def test_the_last_lines_come_from_as_many_files_as_it_takes_and_are_whole(tmp_path: Path) -> None:
    log = write(tmp_path, current="line 3\nline 4\n", old1="line 1\nline 2\n")

    assert last_lines(log, 1000) == ["line 1", "line 2", "line 3", "line 4"]
    assert last_lines(log, 17) == ["line 3", "line 4"]
    assert last_lines(log, 14) == ["line 4"], "of the first of them the beginning may be missing"


def test_the_place_of_an_error_is_one_value() -> None:
    parsed = parse_line(f'{TIME} ERROR task_failed task=watcher retry_s=0.5 error="KeyError at carryover.a:8"')

    assert parsed is not None
    assert parsed.fields == {"task": "watcher", "retry_s": 0.5, "error": "KeyError at carryover.a:8"}
    assert parsed.at_ms == 1795155661250
