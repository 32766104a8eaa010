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


class RolloutReader(JsonlReader):
    """See the module, and `carryover.adapter.contract.Reader`."""

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """Reads on from `cursor`. Raises as `JsonlReader.read` does."""
        batch = super().read(path, cursor)
        head = [record for record in batch.records[:2] if record.number <= 2]
        parents = [parent for record in head if (parent := _parent(record, path)) is not None]
        if not parents or any(file_of_thread(parent, path) is not None for parent in parents):
            return batch
        return msgspec.structs.replace(batch, records=(Record(number=NOTED, data=b"null"), *batch.records))


def _parent(record: Record, path: Path) -> str | None:
    """The thread whose history is copied into a file, as one of its first two records says: it was forked from it, or
    it is not the file's own."""
    line = rawjson.read(wire.LINE, record.data)
    meta = rawjson.part_of(line.payload, wire.SessionMeta) if isinstance(line, wire.Line) else None
    if meta is None or not isinstance(line, wire.Line) or line.type != "session_meta":
        return None
    if meta.forked_from_id is not None:
        return meta.forked_from_id if wire.whole_number(meta.forked_from_ordinal_exclusive) is None else None
    return meta.id if record.number > 1 and meta.id is not None and meta.id not in path.name else None
