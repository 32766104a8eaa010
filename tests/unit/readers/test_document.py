"""Small files that are read whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from carryover.adapter.contract import Stamp
from carryover.readers.document import content


def test_a_file_comes_with_its_size_and_time(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"text")
    os.utime(path, ns=(0, 5_000_000_000))

    assert content(path) == (b"text", Stamp(4, 5_000_000_000))
    assert content(path, limit=4) == (b"text", Stamp(4, 5_000_000_000))
    assert content(path, limit=3) == (None, Stamp(4, 5_000_000_000))


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")

    with pytest.raises(FileNotFoundError):
        content(tmp_path / "gone")
    for path in (tmp_path, tmp_path / "fifo"):
        with pytest.raises(OSError, match=r"not a regular file|[Dd]irectory"):
            content(path)
