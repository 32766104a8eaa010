"""Reading agent-transcripts (`.jsonl`): appended lines, each with the time the file was last written.

The lines themselves say no time but in a prompt of newer builds, so the reader notes in each what only it can see.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Batch, Record, Stamp
from carryover.readers.jsonl import JsonlReader

NOTED: Final = "carryoverNotedMs"

_OBJECT: Final = re.compile(rb"\s*\{(?=\s*\")")


class LinesReader:
    """As `JsonlReader`; a record that is a JSON object begins with a field `carryoverNotedMs`: UTC milliseconds."""

    def __init__(self) -> None:
        self._lines = JsonlReader()

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """The next complete lines. Raises FileNotFoundError when the file is gone, OSError when it cannot be read."""
        noted_ms = self._lines.stamp(path).mtime_ns // 1_000_000
        batch = self._lines.read(path, cursor)
        records = tuple(Record(number=record.number, data=_noted(record.data, noted_ms)) for record in batch.records)
        return msgspec.structs.replace(batch, records=records)

    def stamp(self, path: Path) -> Stamp:
        return self._lines.stamp(path)


def _noted(data: bytes, noted_ms: int) -> bytes:
    found = _OBJECT.match(data)
    return b'{"%s":%d,%s' % (NOTED.encode(), noted_ms, data[found.end() :]) if found else data
