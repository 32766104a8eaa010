from __future__ import annotations

import errno
import re
import stat
from pathlib import Path

import pytest

from carryover.daemon.log import (
    LIMIT_BYTES,
    OLD_FILES,
    Log,
    LogLine,
    Word,
    describe,
    line,
    open_files,
    open_log,
    parse_line,
)
from carryover.daemon.watcher import noticed


def test_a_line_is_an_event_and_what_belongs_to_it(log: Log, lines: list[str]) -> None:
    log.info("source_read", agent=Word("some-agent"), events=3, ms=2.345, broken=False, reason=None)

    assert lines == ["source_read agent=some-agent events=3 ms=2.35 broken=false reason=none"]


@pytest.mark.parametrize("text", ["two words", "a\nb", "", "/home/dev/shop", "x" * 81, "naïve", 'a"b', "a=b"])
def test_what_is_no_word_is_not_logged(log: Log, lines: list[str], text: str) -> None:
    log.info("odd", text=Word(text))
    log.info("odd", text=text)  # type: ignore[arg-type]

    assert lines == ["odd text=?", "odd text=?"]


def test_an_error_is_described_by_type_and_place_and_never_by_its_words() -> None:
    with pytest.raises(ValueError) as raised:
        noticed([("my", "secret", "words")], [], {})  # type: ignore[list-item]

    assert re.fullmatch(r"ValueError at carryover\.daemon\.watcher:\d+", describe(raised.value))


def test_an_error_of_the_system_is_reported_with_its_number() -> None:
    assert describe(OSError(errno.ENOSPC, "No space left on device", "/home/dev/secret")) == "OSError[ENOSPC]"


def test_the_file_is_private_and_says_when_in_utc(tmp_path: Path) -> None:
    path = tmp_path / "carryoverd.log"
    log, close = open_log(path, "info")
    log.info("shown", n=1)
    close()

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO shown n=1\n", path.read_text())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_log_does_not_grow_without_bound(tmp_path: Path) -> None:
    log, close = open_log(tmp_path / "carryoverd.log", "info")
    fields = {f"field_{n}": Word("x" * 80) for n in range(1000)}
    for _ in range((OLD_FILES + 3) * LIMIT_BYTES // 80_000):
        log.info("event", **fields)
    close()

    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) == OLD_FILES + 1
    assert max(sizes) <= LIMIT_BYTES


def test_where_the_log_cannot_be_written_nothing_else_suffers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log, close = open_log(tmp_path / "missing" / "carryoverd.log", "info")
    log.info("event")
    close()

    assert capsys.readouterr() == ("", "")


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

    log.with_name("carryoverd.log.1").unlink()
    log.with_name("carryoverd.log.1").hardlink_to(log)  # as a rotation between two looks shows it
    assert read(log) == [b"a", b"b", b"d"]


def test_the_place_of_an_error_is_one_value() -> None:
    parsed = parse_line(f'{TIME} ERROR task_failed task=watcher retry_s=0.5 error="KeyError at carryover.a:8"')

    assert parsed is not None
    assert parsed.fields == {"task": "watcher", "retry_s": 0.5, "error": "KeyError at carryover.a:8"}
    assert parsed.at_ms == 1795155661250
