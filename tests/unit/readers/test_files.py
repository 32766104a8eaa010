"""Regular files, and what is none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from carryover.adapter.contract import FileStat
from carryover.readers.files import entries_of, read_head, read_small, stamp_of_file


def test_a_small_file_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"text")

    assert read_small(path, limit=4) == b"text"
    assert read_small(path, limit=3) is None


def test_the_head_of_a_file_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"text")

    assert (read_head(path, 2), read_head(path, 9)) == (b"te", b"text")


def test_a_file_is_stamped_with_its_size_and_time(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"text")
    os.utime(path, ns=(0, 5_000_000_000))

    assert stamp_of_file(path) == FileStat(4, 5_000_000_000)


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")

    with pytest.raises(FileNotFoundError):
        read_small(tmp_path / "gone", limit=4)
    for path in (tmp_path, tmp_path / "fifo"):
        with pytest.raises(OSError, match=r"not a regular file|[Dd]irectory"):
            read_small(path, limit=4)


def test_what_is_no_folder_has_no_entries(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")

    assert [entry.name for entry in entries_of(tmp_path)] == ["a"]
    assert entries_of(tmp_path / "a") == entries_of(tmp_path / "gone") == []
