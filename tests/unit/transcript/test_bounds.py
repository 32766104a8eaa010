"""What one look at a source may take, whoever wrote it."""

from __future__ import annotations

from pathlib import Path

import pytest

from carryover.adapter.contract import Batch, FileStat, Record
from carryover.transcript import bounds, files
from carryover.transcript.bounds import TooLarge, has_many_values, lines_in, one_look, read_bounded
from carryover.transcript.files import read_document, read_head, read_small, read_tail


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds that are soon reached."""
    monkeypatch.setattr(bounds, "MOST_VALUES", 4)
    monkeypatch.setattr(bounds, "LOOK_BYTES", 100)
    monkeypatch.setattr(files, "LOOK_BYTES", 100)


@pytest.mark.usefixtures("few")
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
def test_values_are_counted_by_commas_that_are_in_no_text(
    document: bytes, has_many: bool, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "_CHUNK", chunk)

    assert has_many_values(document) is has_many


@pytest.mark.usefixtures("few")
def test_a_look_loads_no_more_than_its_bytes_however_many_files_it_opens(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 60)

    with one_look():
        assert len(read_small(path, limit=1000) or b"") == 60
        with one_look():
            assert len(read_head(path, 1000)) == 60  # a look of its own
        assert len(read_tail(path, 40)) == 40
        with pytest.raises(TooLarge, match="the most that is read at once"):
            read_small(path, limit=1000)
    with one_look():
        assert len(read_document(path)) == 60


@pytest.mark.usefixtures("few")
def test_a_document_is_read_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content in (b"x" * 101, b"[1,2,3,4,5]"):
        path.write_bytes(content)
        with pytest.raises(TooLarge):
            read_document(path)


def test_lines_that_take_more_memory_than_their_bytes_are_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MOST_LINES", 3)

    assert lines_in(b"a\n\nb") == [b"a", b"", b"b"]
    with pytest.raises(TooLarge):
        lines_in(b"\n\n\n")


class Given:
    """A reader that gives records."""

    def __init__(self, *records: bytes) -> None:
        self._records = tuple(Record(number=number, data=data) for number, data in enumerate(records))

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        return Batch(records=self._records, cursor=b"1", oversized=1)

    def stat(self, path: Path) -> FileStat:
        return FileStat(0, 0)


@pytest.mark.usefixtures("few")
def test_records_that_no_parser_should_get_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "RECORD_BYTES", 20)
    batch = read_bounded(Given(b"[1]", b"[1,2,3,4,5]", b"x" * 21, b"[2]"), Path("/x"), None)

    assert ([record.data for record in batch.records], batch.oversized) == ([b"[1]", b"[2]"], 3)
