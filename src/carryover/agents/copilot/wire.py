"""The lines of a session's log (`events.jsonl`), and how they are read.

Each is `{"type", "data", "id", "timestamp", "parentId", "agentId"?}` (1.0.48, 1.0.102). Of the data each field is read
by itself, and may be missing or have another type. Facts: FACTS.md.
"""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.model import Skipped
from carryover.records import rawjson
from carryover.records.rawjson import ABSENT


class Line(msgspec.Struct, frozen=True, rename="camel"):
    """One record. `agent_id`: the sub-agent that it belongs to."""

    type: str
    id: str | None = None
    timestamp: str | None = None
    agent_id: str | None = None
    data: msgspec.Raw = ABSENT


_LINE: Final = msgspec.json.Decoder(Line)


def read_line(data: bytes, version: str | None) -> Line | Skipped:
    """The record in `data`. One with broken UTF-8 or lone surrogates is read with U+FFFD in their place."""
    line = rawjson.read(_LINE, data)
    return rawjson.skipped(None, line, version) if isinstance(line, str) else line
