"""Reads JSON field by field: one of another shape counts as absent, so that a bad field never loses the record."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from carryover.records import rawjson
from carryover.records.fields import LATEST_CLOCK_MS, utc_ms

Fields = dict[str, msgspec.Raw]
"""An object whose fields are read one by one."""

_T = TypeVar("_T")

_EARLIEST_MS: Final = 100_000_000_000
_MOST_NESTED: Final = 4
# Found once: for small fields, finding the decoder of a type takes as long as decoding.
_AS_OBJECT: Final = msgspec.json.Decoder(Fields)
_AS_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])
_AS_TEXT: Final = msgspec.json.Decoder(str)
_AS_TIME: Final = msgspec.json.Decoder(float | str)


def read_as(data: bytes | msgspec.Raw | None, kind: type[_T]) -> _T | None:
    """Decodes a row or field as `kind`; None if it has another shape. Lone surrogates are replaced."""
    return rawjson.part_of(msgspec.Raw(data) if isinstance(data, bytes) else data, kind)


def fields_of(data: bytes | msgspec.Raw | str | None) -> Fields:
    """Returns the fields of an object, or of one in a text; empty if it is something else."""
    if data is None or data is rawjson.ABSENT:
        return {}
    if isinstance(data, str):
        data = data.encode("utf-8", "replace")
    return rawjson.read_with(data, _AS_OBJECT) or {}


def inside(raw: msgspec.Raw | None, *names: str) -> msgspec.Raw:
    """Returns the field at a path of names through nested objects; absent if the path ends early."""
    for name in names:
        raw = fields_of(raw).get(name)
    return rawjson.ABSENT if raw is None else raw


def is_true(raw: msgspec.Raw | None) -> bool:
    """Whether a field holds `true`."""
    return raw is not None and bytes(raw).strip() == b"true"


def number_of(raw: msgspec.Raw | None) -> int | None:
    """Returns the whole number in a field; None if it holds something else."""
    return rawjson.part_of(raw, int)


def text_of(raw: msgspec.Raw | None) -> str:
    """Returns the text in a field; empty if it holds none. Lone surrogates become U+FFFD."""
    if raw is None or raw is rawjson.ABSENT:
        return ""
    return rawjson.read_with(raw, _AS_TEXT) or ""


def time_of(raw: msgspec.Raw | None) -> int:
    """Returns a time in UTC milliseconds, given as a number or an ISO text; 0 if it is neither, or before 1973 or after
    2100. A clock that went wrong says any year between them, and a number of seconds would be one before."""
    if raw is None or raw is rawjson.ABSENT:
        return 0
    given = rawjson.read_with(raw, _AS_TIME) or 0.0
    at_ms = utc_ms(given) if isinstance(given, str) else int(given) if abs(given) < 1e18 else 0
    return at_ms if _EARLIEST_MS < at_ms < LATEST_CLOCK_MS else 0


def moment_of(raw: msgspec.Raw | None) -> int:
    """Returns a time as `time_of` does that may also be in seconds, and as a number in a text."""
    text = text_of(raw)
    if text.replace(".", "", 1).isdigit():
        raw = msgspec.Raw(text.encode())
    elif text:
        at_ms = utc_ms(text)
        return at_ms if _EARLIEST_MS < at_ms < LATEST_CLOCK_MS else 0
    seconds = rawjson.part_of(raw, float)
    in_ms = round(seconds * 1000) if seconds is not None and abs(seconds) < _EARLIEST_MS else 0
    return time_of(raw) or time_of(msgspec.Raw(b"%d" % in_ms))


def items_of(raw: msgspec.Raw | None) -> list[msgspec.Raw]:
    """Returns the entries of a list; empty if it is not a list."""
    return (None if raw is None or raw is rawjson.ABSENT else rawjson.read_with(raw, _AS_LIST)) or []


def first_text(fields: Fields, *names: str) -> str:
    """Returns the first non-empty text among these fields, or ''. Tools differ in their argument names."""
    return next(filter(None, (text_of(fields.get(name)) for name in names)), "")


def text_and_others(content: msgspec.Raw | None, skip: int = 0) -> tuple[str, int]:
    """Returns the text in a list of content parts without the first `skip`, and how many of the rest have none, as
    images and files."""
    parts = [fields_of(part) for part in items_of(content)[skip:]]
    texts = [text_of(part.get("text")) for part in parts if "text" in part]
    return "\n".join(texts), len(parts) - len(texts)


def text_below(raw: msgspec.Raw | None, *names: str) -> str:
    """Returns the first text in a field: the field itself, or one of the fields `names` of nested objects, up to
    `_MOST_NESTED` deep."""
    for _ in range(_MOST_NESTED):
        if raw is None or raw is rawjson.ABSENT:
            break
        if text := text_of(raw).strip():
            return text
        given = fields_of(raw)
        parts = [given[name] for name in names if name in given]
        if text := next(filter(None, (text_of(part).strip() for part in parts)), ""):
            return text
        raw = next((part for part in parts if bytes(part)[:1] == b"{"), rawjson.ABSENT)
    return ""


def token_counts(usage: Fields, **names: str) -> dict[str, int | None]:
    """Returns the numbers as `Recorder.count_tokens` takes them; `names`: the field of each."""
    return {number: number_of(usage.get(name)) for number, name in names.items()}


def numbers_in(usage: Fields) -> dict[str, int]:
    """Returns the numbers as `Recorder.count_tokens` takes them, of an agent whose `inputTokens` have in them what
    was read from the cache and written to it."""
    names = ("inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens")
    whole, output, read, written = (number_of(usage.get(name)) or 0 for name in names)
    return {
        "input": max(0, whole - read - written),
        "output": output,
        "cache_read": read,
        "cache_write": written,
    }
