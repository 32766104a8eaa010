"""The reader of append-only JSON lines: cuts, torn lines, replaced files, lines too long to hold."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.adapter.contract import Record
from carryover.readers import jsonl
from carryover.readers.jsonl import MAX_LINE_BYTES, READ_LINES, JsonlReader

READER = JsonlReader()


def read_all(path: Path, cursor: bytes | None = None) -> tuple[list[Record], int, bytes]:
    """Read until there is no more now: the records, the oversized lines and the cursor."""
    records: list[Record] = []
    oversized = 0
    while True:
        batch = READER.read(path, cursor)
        records += batch.records
        oversized += batch.oversized
        cursor = batch.cursor
        if not batch.more:
            return records, oversized, cursor


def lines(*texts: str, first: int = 1) -> list[Record]:
    return [Record(number=number, data=text.encode()) for number, text in enumerate(texts, first)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "transcript.jsonl"


def test_one_read_takes_a_bounded_number_of_lines(path: Path) -> None:
    path.write_bytes(b"x\n" * (READ_LINES + 1))

    first = READER.read(path, None)
    second = READER.read(path, first.cursor)

    assert (len(first.records), first.more) == (READ_LINES, True)
    assert (second.records, second.more) == (tuple(lines("x", first=READ_LINES + 1)), False)


def test_another_head_is_seen_although_the_bytes_before_the_cursor_are_the_same(path: Path) -> None:
    rest = b"r" * (2 * jsonl.TAIL_BYTES) + b"\n"
    path.write_bytes(b"one\n" + rest)
    cursor = READER.read(path, None).cursor
    path.write_bytes(b"uno\n" + rest)

    batch = READER.read(path, cursor)

    assert (len(batch.records), batch.restarted) == (2, True)


def test_an_oversized_line_that_arrives_in_parts_is_counted_once(path: Path) -> None:
    path.write_bytes(b"one\n")
    records, oversized, cursor = read_all(path)
    for _ in range(4):
        with path.open("ab") as file:
            file.write(b"x" * (MAX_LINE_BYTES // 2))
        more, counted, cursor = read_all(path, cursor)
        records += more
        oversized += counted
    with path.open("ab") as file:
        file.write(b"\nthree\n")
    more, counted, cursor = read_all(path, cursor)

    assert records + more == [Record(number=1, data=b"one"), Record(number=3, data=b"three")]
    assert oversized + counted == 1


def test_a_line_of_100_mb_is_passed_by_in_bounded_memory(path: Path) -> None:
    size = 100 << 20
    with path.open("wb") as file:
        file.write(b"one\n")
        file.truncate(4 + size)  # a hole: zero bytes that take no disk
        file.seek(0, os.SEEK_END)
        file.write(b"\nthree\n")

    tracemalloc.start()
    records, oversized, _ = read_all(path)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert ([record.number for record in records], oversized) == ([1, 3], 1)
    assert peak_bytes < 4 * MAX_LINE_BYTES


def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")

    for other in (tmp_path / "fifo", tmp_path, Path("/dev/null")):
        with pytest.raises(OSError, match="not a regular file"):
            READER.read(other, None)


@given(
    content=st.lists(st.sampled_from([b"a", b"\n", b"\r", b" ", b'{"k":1}', b"\xff", b"\x00"]), max_size=60).map(
        b"".join
    ),
    cuts=st.lists(st.integers(1, 12), max_size=20),
)
def test_how_the_file_was_cut_into_reads_makes_no_difference(path: Path, content: bytes, cuts: list[int]) -> None:
    path.write_bytes(content)
    at_once = read_all(path)[0]

    path.write_bytes(b"")
    cursor: bytes | None = None
    records: list[Record] = []
    written = 0
    for cut in [*cuts, len(content)]:
        with path.open("ab") as file:
            file.write(content[written : written + cut])
        written += cut
        more, _, cursor = read_all(path, cursor)
        records += more

    assert records == at_once
