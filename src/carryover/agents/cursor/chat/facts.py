"""What a `store.db` and the `meta.json` beside it say of their conversation."""

from __future__ import annotations

import binascii
from typing import Final

import msgspec

from carryover.records import rawjson
from carryover.records.bounds import MAX_NAME_CHARS, SHORT_CHARS, bounded

UNTITLED: Final = "New Agent"
"""The name of a conversation that has none yet."""


class Meta(msgspec.Struct, frozen=True, rename="camel"):
    """The row `0` of the table `meta`, each field of any type.

    The secret `blobEncryptionKey` is looked at only to see that there is one.
    """

    latest_root_blob_id: msgspec.Raw = rawjson.ABSENT
    name: msgspec.Raw = rawjson.ABSENT
    created_at: msgspec.Raw = rawjson.ABSENT
    last_used_model: msgspec.Raw = rawjson.ABSENT
    blob_encryption_key: msgspec.Raw = rawjson.ABSENT


class Beside(msgspec.Struct, frozen=True, rename="camel"):
    """`meta.json`, each field of any type."""

    created_at_ms: msgspec.Raw = rawjson.ABSENT
    updated_at_ms: msgspec.Raw = rawjson.ABSENT
    is_subagent: msgspec.Raw = rawjson.ABSENT
    title: msgspec.Raw = rawjson.ABSENT
    cwd: msgspec.Raw = rawjson.ABSENT


class Facts(msgspec.Struct, frozen=True):
    """What is known of a conversation. Times are UTC milliseconds, 0 where unknown."""

    root: str | None = None
    """Id of the newest root; None where there is none yet."""
    encrypted: bool = False
    """There is a key to encrypt with, which does not mean that anything is encrypted."""
    created_ms: int = 0
    updated_ms: int = 0
    title: str | None = None
    model: str | None = None
    cwd: str | None = None
    sub_agent: bool = False


def facts_of(meta: bytes, beside: bytes | None) -> Facts | None:
    """The facts in the value of the `meta` row (hex of JSON, or JSON) and in `meta.json`; None where it is neither."""
    row = _decoded(meta, Meta)
    if row is None:
        return None
    file = (rawjson.part_of(msgspec.Raw(beside), Beside) if beside else None) or Beside()
    title = _short(file.title) or _short(row.name)
    root = _text(row.latest_root_blob_id)
    return Facts(
        root=root.lower() if root and len(root) <= MAX_NAME_CHARS else None,
        encrypted=_text(row.blob_encryption_key) is not None,
        created_ms=_ms(row.created_at) or _ms(file.created_at_ms),
        updated_ms=_ms(file.updated_at_ms),
        title=title if title != UNTITLED else None,
        model=_short(row.last_used_model),
        cwd=_text(file.cwd),
        sub_agent=bytes(file.is_subagent) == b"true",
    )


def _decoded(value: bytes, kind: type[Meta]) -> Meta | None:
    data = value.strip()
    if data[:1] != b"{":
        try:
            data = binascii.unhexlify(data)
        except binascii.Error:
            return None
    return rawjson.part_of(msgspec.Raw(data), kind)


def _text(raw: msgspec.Raw) -> str | None:
    return (rawjson.string_of(raw) or None) if raw is not rawjson.ABSENT else None


def _short(raw: msgspec.Raw) -> str | None:
    text = _text(raw)
    return bounded(text, SHORT_CHARS) if text else None


def _ms(raw: msgspec.Raw) -> int:
    number = rawjson.part_of(raw, float)
    return int(number) if number is not None and 0 < number < 1e14 else 0
