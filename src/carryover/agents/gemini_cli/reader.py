"""Reads both forms of a transcript: lines that are appended, and a document that is rewritten as a whole."""

from __future__ import annotations

from pathlib import Path

import msgspec

from carryover.adapter.contract import Batch, FileStat, Reader, Record
from carryover.agents.gemini_cli import wire
from carryover.agents.gemini_cli.locate import DOCUMENT, start_folder
from carryover.readers.files import stamp_of_file
from carryover.readers.jsonl import JsonlReader


class LinesReader(JsonlReader):
    """Reads `.jsonl`. Before its lines comes the start folder, which none of them needs to name."""

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """See `JsonlReader.read`."""
        batch = super().read(path, cursor)
        root = start_folder(path) if batch.records else None
        if root is None:
            return batch
        first = Record(number=0, data=msgspec.json.encode({"$begin": wire.Begin(root=root)}))
        return msgspec.structs.replace(batch, records=(first, *batch.records))


class TranscriptReader:
    """See `carryover.adapter.contract.Reader`. The name of a file says which form it has."""

    def __init__(self, *, copied: bool = False) -> None:
        self._lines = LinesReader(copied=copied)

    def of_copies(self) -> TranscriptReader:
        """The same for files that grow no more."""
        return TranscriptReader(copied=True)

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """The next records. Raises as the reader of the form does."""
        return self._reader(path).read(path, cursor)

    def stat(self, path: Path) -> FileStat:
        """Size and time of the file."""
        return stamp_of_file(path)

    def _reader(self, path: Path) -> Reader:
        if path.suffix != DOCUMENT:
            return self._lines
        from carryover.agents.gemini_cli.document import DocumentReader  # which few machines still have one for

        return DocumentReader()
