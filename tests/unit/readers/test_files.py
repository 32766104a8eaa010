"""Regular files, and what is none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from carryover.readers.files import entries_of, read_small


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
