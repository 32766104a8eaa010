from __future__ import annotations

from pathlib import Path

import pytest

from carryover.adapter.contract import Reader
from carryover.readers.by_kind import ReaderByKind
from carryover.readers.jsonl import JsonlReader


def kind_of(path: Path) -> str | None:
    return "lines" if path.suffix == ".jsonl" else None


def readers() -> dict[str, Reader]:
    return {"lines": JsonlReader()}


def test_a_source_is_read_by_the_reader_of_its_kind(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"n": 1}\n{"n": 2}\n')
    reader, lines = ReaderByKind(kind_of, readers), JsonlReader()

    first = reader.read(path, None)

    assert [record.data for record in first.records] == [b'{"n": 1}', b'{"n": 2}']
    assert reader.read(path, first.cursor).records == ()
    assert reader.stat(path) == lines.stat(path)


def test_what_is_no_source_is_an_error_of_that_path(tmp_path: Path) -> None:
    for ask in (lambda path: ReaderByKind(kind_of, readers).read(path, None), ReaderByKind(kind_of, readers).stat):
        with pytest.raises(OSError, match="not a source"):
            ask(tmp_path / "a.txt")
