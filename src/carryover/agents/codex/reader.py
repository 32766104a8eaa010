"""Reads a rollout, and says where a fork brought a history along that is nowhere else any more."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Batch, Record
from carryover.agents.codex import wire
from carryover.agents.codex.locate import file_of_thread
from carryover.readers.jsonl import JsonlReader
from carryover.records import rawjson

NOTED: Final = 0
"""The number of a record that is the reader's own: the thread whose history follows has no file."""


_FIRST: Final = 1
_SECOND: Final = 2


class RolloutReader(JsonlReader):
    """See the module, and `carryover.adapter.contract.Reader`."""

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """Reads on from `cursor`. Raises as `JsonlReader.read` does."""
        batch = super().read(path, cursor)
        records: list[Record] = []
        for record in batch.records[:_SECOND]:
            parent = _parent(record, path)
            if parent is not None and file_of_thread(parent, path) is None:
                records.append(Record(number=NOTED, data=b"null"))
            records.append(record)
        return msgspec.structs.replace(batch, records=(*records, *batch.records[_SECOND:]))


def _parent(record: Record, path: Path) -> str | None:
    """The thread whose history is copied into a file, as one of its first two records says, whichever of them a read
    begins with: it was forked from it, or it is not the file's own."""
    if record.number not in (_FIRST, _SECOND):
        return None
    line = rawjson.read(wire.LINE, record.data)
    meta = rawjson.part_of(line.payload, wire.SessionMeta) if isinstance(line, wire.Line) else None
    if meta is None or not isinstance(line, wire.Line) or line.type != "session_meta":
        return None
    if meta.forked_from_id is not None:
        return meta.forked_from_id if wire.whole_number(meta.forked_from_ordinal_exclusive) is None else None
    return meta.id if record.number == _SECOND and meta.id is not None and meta.id not in path.name else None
