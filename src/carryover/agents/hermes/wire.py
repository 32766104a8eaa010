"""The records that the reader makes of a session."""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.families.stored import StoredRecord
from carryover.records import rawjson

SUMMARIES: Final = ("[CONTEXT COMPACTION", "[CONTEXT SUMMARY]:")
"""The beginnings of a summary, which may stand after what the summary was added to (code)."""


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message of a session, or the error of a request that failed for good (role `error`)."""

    role: str
    at_us: int
    """The time in microseconds. No two messages of a session have the same."""
    content: str = ""
    calls: msgspec.Raw = rawjson.ABSENT
    call_id: str = ""
    tool: str = ""
    finish: str = ""


class SessionRecord(StoredRecord, frozen=True, omit_defaults=True):
    """Announces a session's pieces, holds one of them, or tells the session's facts after them."""

    entry: Entry | None = None


RECORD: Final = msgspec.json.Decoder(SessionRecord)
