from __future__ import annotations

import errno
import re
import stat
from pathlib import Path

import pytest

from carryover.daemon.log import LIMIT_BYTES, Log, Word, describe, open_log
from carryover.daemon.log_file import OLD_FILES
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
