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
"""The number of a record that is the reader's own: the thread that this one was forked from has no file."""


class RolloutReader(JsonlReader):
    """See the module, and `carryover.adapter.contract.Reader`."""

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """Reads on from `cursor`. Raises as `JsonlReader.read` does."""
        batch = super().read(path, cursor)
        if cursor is not None and not batch.restarted:
            return batch
        parent = _parent(batch.records[:2])
        if parent is None or file_of_thread(parent, path) is not None:
            return batch
        return msgspec.structs.replace(batch, records=(Record(number=NOTED, data=b"null"), *batch.records))


def _parent(records: tuple[Record, ...]) -> str | None:
    """The thread whose history a file begins with: the one it was forked from, or the one that its second record
    names."""
    lines = (wire.read_line(record.data, None) for record in records)
    payloads = [line.payload for line in lines if isinstance(line, wire.Line) and line.type == "session_meta"]
    metas = [meta for raw in payloads if (meta := rawjson.part_of(raw, wire.SessionMeta)) is not None]
    if not metas:
        return None
    copied = next((meta.id for meta in metas[1:] if meta.id != metas[0].id), None)
    return metas[0].forked_from_id or copied
