"""What one look at a source may take, whoever wrote it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from carryover.adapter.contract import Batch, FileStat, Record
from carryover.transcript import sqlite
from carryover.transcript.bounds import (
    LOOK_BYTES,
    MOST_LINES,
    MOST_VALUES,
    RECORD_BYTES,
    TooLarge,
    has_many_values,
    lines_in,
    one_look,
    read_bounded,
)
from carryover.transcript.files import read_document, read_head, read_tail

MANY = b"[1" + b",1" * MOST_VALUES + b"]"


@pytest.mark.parametrize("chunk", [1, 2, 3, 1000])
@pytest.mark.parametrize(
    ("document", "has_many"),
    [
        (b"[1,2,3,4]", False),
        (b"[1,2,3,4,5]", True),
        (b'{"a":{"b":[1,2]},"c":[[1],{"d":"e","f":"g"}]}', True),
        (b'["a, b, c, d, e, f", "g"]', False),
        (rb'["a\", b, c, d, e, f", "g\\", "h"]', False),
        (rb'["\\\"", ",,,,,,", "\\", "\\"]', False),
        (rb'["\\", "\\", "\\", "\\", "\\"]', True),
        (b"x, y, z, and, so, on", True),
    ],
)
def test_values_are_counted_by_commas_that_are_in_no_text(document: bytes, has_many: bool, chunk: int) -> None:
    assert has_many_values(document, most=4, chunk=chunk) is has_many


def test_a_look_loads_no_more_than_its_bytes_however_many_files_it_opens(tmp_path: Path) -> None:
    path = tmp_path / "file"
    size, rest = LOOK_BYTES // 10 * 6, LOOK_BYTES // 10 * 4
    path.touch()
    os.truncate(path, size)

    with one_look():
        assert len(read_head(path, LOOK_BYTES)) == size
        with one_look():
            assert len(read_head(path, LOOK_BYTES)) == size  # a look of its own
        assert len(read_tail(path, rest)) == rest
        with pytest.raises(TooLarge, match="the most that is read at once"):
            read_head(path, LOOK_BYTES)
    with one_look():
        assert len(read_document(path)) == size


def test_a_document_is_read_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content in (b"x" * (LOOK_BYTES + 1), MANY):
        path.write_bytes(content)
        with pytest.raises(TooLarge):
            read_document(path)


def test_lines_that_take_more_memory_than_their_bytes_are_too_large() -> None:
    assert lines_in(b"a\n\nb") == [b"a", b"", b"b"]
    assert len(lines_in(b"\n" * (MOST_LINES - 1))) == MOST_LINES
    with pytest.raises(TooLarge):
        lines_in(b"\n" * MOST_LINES)


class Given:
    """A reader that gives records."""

    def __init__(self, *records: bytes) -> None:
        self._records = tuple(Record(number=number, data=data) for number, data in enumerate(records))

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        return Batch(records=self._records, cursor=b"1", oversized=1)

    def stat(self, path: Path) -> FileStat:
        return FileStat(0, 0)


def test_records_that_no_parser_should_get_are_counted() -> None:
    batch = read_bounded(Given(b"[1]", MANY, b"x" * (RECORD_BYTES + 1), b"[2]"), Path("/x"), None)

    assert ([record.data for record in batch.records], batch.oversized) == ([b"[1]", b"[2]"], 3)


def test_of_a_conversations_messages_more_rows_are_held_than_of_others() -> None:
    db = sqlite.in_memory("")
    counted = "WITH RECURSIVE count (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < ?) SELECT n FROM count"

    assert len(sqlite.messages_of(db, counted, (200_000,))) == 200_000
    for most_of, too_many in ((sqlite.rows, 200_000), (sqlite.messages_of, 700_000)):
        with pytest.raises(TooLarge):
            most_of(db, counted, (too_many,))
