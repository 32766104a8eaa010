from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path

import pytest

from carryover.daemon import log as module
from carryover.daemon.log import Log, Word, open_log, type_and_place
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

    assert re.fullmatch(r"ValueError at carryover\.daemon\.watcher:\d+", type_and_place(raised.value))
    assert type_and_place(OSError(errno.ENOSPC, "No space left on device", "/home/dev/secret")) == "OSError[ENOSPC]"


def test_the_file_is_private_says_when_in_utc_and_does_not_grow_without_bound(tmp_path: Path) -> None:
    path = tmp_path / "carryoverd.log"
    log, close = open_log(path)
    log.info("shown", n=1)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO shown n=1\n", path.read_text())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

    fields = {f"field_{n}": Word("x" * 80) for n in range(1000)}
    for _ in range((module.OLD_FILES + 3) * module.LIMIT_BYTES // 80_000):
        log.info("event", **fields)
    close()

    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) == module.OLD_FILES + 1
    assert max(sizes) <= module.LIMIT_BYTES


def test_where_the_log_cannot_be_written_nothing_else_suffers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log, close = open_log(tmp_path / "missing" / "carryoverd.log")
    log.info("event")
    close()

    assert capsys.readouterr() == ("", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_daemon_whose_log_has_no_room_ends_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "open_regular", lambda _path, flags: os.open("/dev/full", flags & ~os.O_APPEND))
    log, close = open_log(tmp_path / "carryoverd.log")
    log.info("event")

    close()


def test_files_are_opened_from_the_oldest_to_the_newest(tmp_path: Path) -> None:
    log, *old = paths = [tmp_path / f"carryoverd.log{suffix}" for suffix in ("", ".1", ".2", ".3", ".4")]
    for path, text in zip(paths, ("d", "c", "b", "a", "never kept"), strict=True):
        path.write_text(text)

    def read() -> str:
        found = ""
        for file in module.open_files(log):
            with file:
                found += file.read().decode()
        return found

    assert read() == "abcd"
    old[0].unlink()
    old[0].hardlink_to(log)  # as a rotation between two looks shows it
    assert read() == "abd"
