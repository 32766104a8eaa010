"""Encodes an event's body for storage: JSON, compressed if that makes it shorter.

A compressed body begins with the number of its kind, so that a query finds the bodies of one kind without reading the
others. Ledgers before version 9 deflated everything but the words of a conversation; such rows stay as they are.
"""

from __future__ import annotations

import sqlite3
import zlib
from typing import Final

import msgspec

from carryover.ledger.frames import MOST_BYTES, DamagedFrame, pack, unpack
from carryover.ledger.ledger_errors import DamagedBody, TolerantConnection
from carryover.ledger.rows import SUPERSEDED
from carryover.model import AnyBody

KINDS: Final = (
    "session_info",
    "user_prompt",
    "queued_prompt",
    "assistant_message",
    "question",
    "answer",
    "tool_call",
    "tool_result",
    "file_edit",
    "plan_update",
    "plan_proposal",
    "background_task",
    "agent_summary",
    "turn_end",
    "retracted",
    "session_start",
    "session_end",
)
"""In the order of their numbers in the ledger. Append new ones."""

_COMPRESS_FROM_BYTES: Final = 48
_FIRST_MARK: Final = 0x80
"""The mark of the first kind; no text and no deflated body begins with such a byte."""
_MARKS: Final = {kind: number for number, kind in enumerate(KINDS, start=_FIRST_MARK)}
_DEFLATED: Final = 0x78
_NEVER_DEFLATED: Final = ("session_info", "user_prompt", "assistant_message")

_FORMER_KIND: Final = b'{"kind":"undone"'
_KIND: Final = b'{"kind":"retracted"'

_decoder: Final[msgspec.json.Decoder[AnyBody]] = msgspec.json.Decoder(AnyBody)


def encode_body(body: AnyBody) -> str | bytes:
    """Encodes a body for storage. Raises UnicodeEncodeError for half of a surrogate pair."""
    encoded = msgspec.json.encode(body)
    if _COMPRESS_FROM_BYTES <= len(encoded) <= MOST_BYTES:
        packed = pack(encoded, _mark_of(body))
        if len(packed) < len(encoded):
            return packed
    return encoded.decode()


def decode_body(stored: str | bytes) -> AnyBody:
    """Decodes a stored body. Raises DamagedBody if Carryover didn't write it."""
    try:
        return _decoder.decode(_plain(stored))
    except (DamagedFrame, zlib.error, msgspec.MsgspecError, UnicodeError, TypeError) as error:
        raise DamagedBody("not the JSON of a body") from error


def read_body(db: sqlite3.Connection, stored: str | bytes) -> AnyBody | None:
    """Decodes a body that was read from `db`; None for a damaged one, which a tolerant connection counts.

    Raises DamagedBody if the connection is not tolerant.
    """
    try:
        return decode_body(stored)
    except DamagedBody:
        if not isinstance(db, TolerantConnection):
            raise
        db.damaged += 1
        return None


def count_damaged(db: TolerantConnection) -> int:
    """Returns the number of entries whose body is damaged. Reads every body: about a second for 100,000."""
    for rows in (f"event WHERE retracted < {SUPERSEDED}", "provisional"):
        for (body,) in db.execute(f"SELECT body FROM {rows}"):
            read_body(db, body)
    return db.damaged


def is_same_body(stored: str | bytes, encoded: str | bytes) -> bool:
    """Whether two bodies are equal once decoded. Another version of Carryover or zstd may have stored other bytes."""
    if stored == encoded:
        return True
    try:
        return _plain(stored) == _plain(encoded)
    except (DamagedFrame, zlib.error):
        return False


def may_be(kind: str) -> str:
    """Returns an SQL condition for bodies that may be of that kind. Deflated bodies don't show theirs."""
    first = [_MARKS[kind], *([] if kind in _NEVER_DEFLATED else [_DEFLATED])]
    marks = ", ".join(f"x'{mark:02x}'" for mark in first)
    return f"""(body LIKE '{{"kind":"{kind}"%' OR substr(body, 1, 1) IN ({marks}))"""


def with_present_kind(stored: str | bytes) -> str | bytes | None:
    """Returns the body under its current kind if a ledger before version 5 stored it under a former one; else None."""
    if isinstance(stored, str):
        former = _FORMER_KIND.decode()
        return _KIND.decode() + stored.removeprefix(former) if stored.startswith(former) else None
    try:
        if zlib.decompressobj().decompress(stored, len(_FORMER_KIND)) != _FORMER_KIND:
            return None
        return zlib.compress(_KIND + _inflated(stored).removeprefix(_FORMER_KIND))
    except zlib.error:
        return None


def _plain(stored: str | bytes) -> bytes:
    """Returns the JSON of a stored body. Raises DamagedFrame and zlib.error."""
    if isinstance(stored, str):
        return stored.encode()
    return _inflated(stored) if stored[:1] == _DEFLATED.to_bytes() else unpack(stored)


def _inflated(stored: bytes) -> bytes:
    inflating = zlib.decompressobj()
    data = inflating.decompress(stored, MOST_BYTES)
    if not inflating.eof:
        raise zlib.error("cut off, or longer than anything that is stored")
    return data


def _mark_of(body: AnyBody) -> int:
    return _MARKS[str(body.__struct_config__.tag)]
