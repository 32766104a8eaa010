"""The reader of JSON lines: a last line without a newline, of files that may grow and of copies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.readers.by_kind import reader_of_copies
from carryover.readers.jsonl import MAX_LINE_BYTES, REST_MS, JsonlReader

READER = JsonlReader()
WRITTEN_S = 1_700_000_000


class Rested:
    """A file that is written at one time and read at others. `read` gives numbers and data of what is new."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now_ms = WRITTEN_S * 1000 + REST_MS
        self.reader = JsonlReader(now_ms=lambda: self.now_ms)
        self.cursor: bytes | None = None
        self.waits_s: list[float | None] = []

    def append(self, data: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(data)
        os.utime(self.path, (WRITTEN_S, WRITTEN_S))

    def read(self) -> list[tuple[int, bytes]]:
        batch = self.reader.read(self.path, self.cursor)
        assert (batch.restarted, batch.more, batch.oversized) == (False, False, 0)
        self.cursor = batch.cursor
        self.waits_s.append(batch.retry_after_s)
        return [(record.number, record.data) for record in batch.records]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "transcript.jsonl"


@pytest.fixture
def rested(path: Path) -> Rested:
    return Rested(path)


def test_a_whole_last_line_without_its_newline_is_taken_once_the_file_has_rested(rested: Rested) -> None:
    rested.append(b'{"a":1}\n{"b":2}')
    rested.now_ms -= 500

    assert rested.read() == [(1, b'{"a":1}')]
    rested.now_ms += 500
    assert rested.read() == [(2, b'{"b":2}')]
    assert rested.read() == []
    assert rested.waits_s == [0.5, None, None]
    assert rested.cursor is not None
    assert rested.reader.resumes_at(rested.cursor) == 15


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"  \n"])
def test_what_ends_a_line_that_was_taken_is_swallowed_and_nothing_is_renumbered(rested: Rested, end: bytes) -> None:
    rested.append(b'{"a":1}')

    assert rested.read() == [(1, b'{"a":1}')]
    rested.append(end)
    assert rested.read() == []
    rested.append(b'{"b":2}\n')
    assert rested.read() == [(2, b'{"b":2}')]


def test_what_follows_on_a_line_that_was_taken_is_read_under_its_number(rested: Rested) -> None:
    rested.append(b'{"a":1}')

    assert rested.read() == [(1, b'{"a":1}')]
    rested.append(b'{"b":')
    assert rested.read() == []
    rested.append(b'2}\n{"c":3}\n')
    assert rested.read() == [(1, b'{"b":2}'), (2, b'{"c":3}')]


@pytest.mark.parametrize(
    "rest",
    [b'{"a":', b'{"a":{"b":1}', b'{"a":"}', b'{"a":1}x', b'{"a":1}{"b":2}', b"12", b"nul", b'"a"', b"[1]", b" ", b"}"],
)
def test_a_last_line_that_may_not_be_whole_waits_for_its_newline(rested: Rested, rest: bytes) -> None:
    """A number may still get longer; a line of a transcript is an object."""
    rested.append(b"one\n" + rest)

    assert rested.read() == [(1, b"one")]
    assert rested.waits_s == [None]
    assert rested.cursor is not None
    assert rested.reader.resumes_at(rested.cursor) == 4


@pytest.mark.parametrize("more", [0, 1])
def test_the_longest_last_line_without_its_newline_is_taken_and_a_longer_one_is_not(rested: Rested, more: int) -> None:
    rested.append(b'{"a":"' + b"x" * (MAX_LINE_BYTES - 8 + more) + b'"}')

    assert [len(data) for _, data in rested.read()] == [MAX_LINE_BYTES][more:]


def test_a_last_line_that_is_written_anew_is_another_file(rested: Rested) -> None:
    rested.append(b'{"a":1}\n{"b":2}')
    rested.read()
    rested.path.write_bytes(b'{"a":1}\n{"b":3}\n')

    batch = rested.reader.read(rested.path, rested.cursor)

    assert (len(batch.records), batch.restarted) == (2, True)


def test_a_file_from_the_future_waits_no_longer_than_one_just_written(rested: Rested) -> None:
    rested.append(b'{"a":1}')
    rested.now_ms = WRITTEN_S * 1000 - REST_MS // 2
    assert rested.read() == []
    assert rested.waits_s == [REST_MS / 1000]

    rested.now_ms = WRITTEN_S * 1000 - 2 * REST_MS
    assert rested.read() == [(1, b'{"a":1}')]


@given(
    ends=st.lists(st.sampled_from([b"\n", b"\r\n", b"\n\n", b" \n"]), max_size=8),
    cuts=st.lists(st.integers(1, 12), max_size=30),
)
def test_a_file_that_rests_at_any_cut_gives_each_line_once(path: Path, ends: list[bytes], cuts: list[int]) -> None:
    content = b"".join(b'{"n":%d}%b' % (number, end) for number, end in enumerate(ends)) + b'{"last":{}}'
    path.write_bytes(content + b"\n")
    at_once = [(record.number, record.data.strip()) for record in READER.read(path, None).records]

    path.unlink()
    rested, written, found = Rested(path), 0, []
    for cut in [*cuts, len(content)]:
        rested.append(content[written : written + cut])
        written += cut
        found += [(number, data.strip()) for number, data in rested.read()]

    assert found == at_once


def test_of_a_copy_a_last_line_without_its_newline_is_read(path: Path) -> None:
    path.write_bytes(b'{"a":1}\n{"b":2}')
    reader = reader_of_copies(READER)

    first = reader.read(path, None)
    again = reader.read(path, first.cursor)

    assert [(record.number, record.data) for record in first.records] == [(1, b'{"a":1}'), (2, b'{"b":2}')]
    assert (again.records, READER.resumes_at(first.cursor)) == ((), 15)


def test_of_a_copy_a_torn_last_line_is_left_out(path: Path) -> None:
    path.write_bytes(b'{"a":1}\n{"b":')
    reader = JsonlReader(copied=True)

    batch = reader.read(path, None)

    assert [record.data for record in batch.records] == [b'{"a":1}']
    assert reader.resumes_at(batch.cursor) == 8
