"""The records that the readers make of a session, and what parsing remembers between them.

In the stores any field may be missing or have another type. The versions each was seen in: FACTS.md.
"""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.families.stored import StoredRecord
from carryover.records import rawjson

TABLES: Final = frozenset(("session", "message", "part"))
"""The tables that make a database one of these."""
LATEST_MS: Final = 4_102_444_800_000


class PartEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A part of a message. `begun`: its call is new; `ended`: its content is final."""

    id: str
    data: msgspec.Raw
    begun: bool = False
    ended: bool = False


class SessionRecord(StoredRecord, frozen=True, omit_defaults=True):
    """Announces a session's pieces, holds a message with some of its parts, or tells the session's facts after them.

    `last_text`: id of the text that ends the message; empty if it ends differently. `ended`: nothing follows in the
    message.
    """

    id: str = ""
    data: msgspec.Raw = rawjson.ABSENT
    parts: tuple[PartEntry, ...] = ()
    last_text: str = ""
    ended: bool = False


RECORD: Final = msgspec.json.Decoder(SessionRecord)


def ms_of(raw: msgspec.Raw | None) -> int:
    """Returns the UTC milliseconds in a field, of whatever year; 0 if it holds no time."""
    number = rawjson.part_of(raw, float) if raw is not None else None
    return int(number) if number is not None and 0 < number < LATEST_MS else 0
