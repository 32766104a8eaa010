"""The message blobs of a `store.db`, as far as its reader looks into them. Of blobs that are too large only the length
is there, of missing ones nothing.
"""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.agents.cursor.chat.facts import Facts
from carryover.agents.cursor.talk.progress import Known
from carryover.agents.cursor.talk.record import MAX_BLOCKS, TalkRecord
from carryover.records import rawjson

_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def role_of(blob: bytes | int | None) -> str | None:
    """Who speaks in a message; None where it does not say."""
    return _parts(blob).role


def is_typed(blob: bytes | int | None) -> bool:
    """Whether a message is marked as what a user typed."""
    return isinstance(blob, bytes) and b"<user_query>" in blob and role_of(blob) == "user"


def record_of(blob: bytes | None, facts: Facts, short: str, occurrence: int) -> TalkRecord:
    """A message as it is given out, or that it was not understood."""
    data = _json(blob) if blob is not None else None
    if data is None:
        reason = "missing message" if blob is None else "encrypted" if facts.encrypted else "unexpected message"
        return TalkRecord(kind="unknown", reason=reason)
    return TalkRecord(
        kind="message",
        id=short,
        occurrence=occurrence,
        created_ms=facts.created_ms,
        noted_ms=facts.updated_ms,
        data=data,
    )


def known_as(short: str, blob: bytes | int | None) -> Known:
    """How a message is remembered once it was given out."""
    content = _parts(blob).content
    blocks = min(len(content), MAX_BLOCKS) if isinstance(content, list) else 1
    return Known(short, blocks, is_typed(blob))


def _json(blob: bytes) -> msgspec.Raw | None:
    """A message as JSON that can stand inside other JSON, None where it is none."""
    if _is_object(blob):
        return msgspec.Raw(blob)
    mended = rawjson.mend(blob)
    return msgspec.Raw(mended) if _is_object(mended) else None


def _is_object(data: bytes) -> bool:
    try:
        _OBJECT.decode(data)
    except rawjson.UNREADABLE:
        return False
    return True


class _Parts(msgspec.Struct):
    role: str | None = None
    content: list[msgspec.Raw] | str | None = None


def _parts(blob: bytes | int | None) -> _Parts:
    return (rawjson.part_of(msgspec.Raw(blob), _Parts) if isinstance(blob, bytes) else None) or _Parts()
