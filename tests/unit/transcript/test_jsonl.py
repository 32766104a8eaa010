"""The reader of append-only JSON lines: cuts, torn lines, replaced files, too long ones; folders of windows."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.adapter.contract import Record
from carryover.transcript import jsonl
from carryover.transcript.by_kind import reader_of_copies
from carryover.transcript.files import entries_of, read_head
from carryover.transcript.jsonl import MAX_LINE_BYTES, READ_LINES, REST_MS, JsonlReader
from carryover.transcript.workspaces import Folders, folders_of_window

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


def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")

    for other in (tmp_path / "fifo", tmp_path, Path("/dev/null")):
        with pytest.raises(OSError, match="not a regular file"):
            READER.read(other, None)


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


def test_a_whole_last_line_without_its_newline_is_taken_once_the_file_has_rested(path: Path) -> None:
    rested = Rested(path)
    rested.append(b'{"a":1}\n{"b":2}')
    rested.now_ms -= 500

    assert rested.read() == [(1, b'{"a":1}')]
    rested.now_ms += 500
    assert rested.read() == [(2, b'{"b":2}')]
    assert rested.read() == []
    assert rested.waits_s == [0.5, None, None]
    assert rested.cursor is not None
    assert rested.reader.resumes_at(rested.cursor) == 15


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


REMOTE = "vscode-remote://ssh-remote%2Bbox"


def window(folder: Path, content: Any) -> Path:
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / "workspace.json").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("content", "folders"),
    [
        ({"folder": "file:///home/dev/a%20b"}, Folders(("/home/dev/a b",))),
        ({"folder": "file:///home/dev/a/../b/"}, Folders(("/home/dev/b",))),
        ({"folder": f"{REMOTE}/home/dev/demo"}, Folders(remote=True)),
        ({"workspace": f"{REMOTE}/home/dev/x.code-workspace"}, Folders(remote=True)),
        ({"folder": "file:////server/share"}, Folders(remote=True)),
        ({"workspace": "file:///missing.code-workspace"}, None),
        ({"folder": "relative"}, None),
        ({"folder": 5}, None),
        ({}, None),
        ("noise", None),
    ],
)
def test_a_window_names_its_folder(tmp_path: Path, content: Any, folders: Folders | None) -> None:
    assert folders_of_window(window(tmp_path, content)) == folders


def test_a_listing_may_have_comments_and_relative_folders(tmp_path: Path) -> None:
    listing = tmp_path / "x.code-workspace"
    listing.write_text('{"folders": [{"path": "one"}, /* and */ {"uri": "file:///two"}, {"x": 1},], // more\n}')

    assert folders_of_window(window(tmp_path, {"workspace": listing.as_uri()})) == Folders(
        (str(tmp_path / "one"), "/two")
    )


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")

    with pytest.raises(FileNotFoundError):
        read_head(tmp_path / "gone", 4)
    for path in (tmp_path, tmp_path / "fifo"):
        with pytest.raises(OSError, match=r"not a regular file|[Dd]irectory"):
            read_head(path, 4)


def test_what_is_no_folder_has_no_entries(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")

    assert [entry.name for entry in entries_of(tmp_path)] == ["a"]
    assert entries_of(tmp_path / "a") == entries_of(tmp_path / "gone") == []
