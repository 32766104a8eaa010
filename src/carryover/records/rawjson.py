"""Decodes JSON only as far as it is used: other parts stay raw, whatever their shape.
JavaScript programs write lone surrogates, and torn files hold bytes that are not UTF-8; both are read as U+FFFD."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Any, Final, TypeVar

import msgspec

from carryover.decoders import decoder_of
from carryover.model import Skipped
from carryover.text.pattern import later

ABSENT: Final = msgspec.Raw(b"null")

UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""Exceptions of msgspec for unusable input: another shape, not JSON, not UTF-8, nested too deeply."""

_T = TypeVar("_T")


class TextPart(msgspec.Struct, frozen=True):
    """One part of a content list. `text` is None in parts of other types, such as images."""

    type: str
    text: str | None = None


_OBJECT: Final = msgspec.json.Decoder(dict[str, Any])
_PLACE: Final = later(r" - at `(\$[\w.\[\]]*)`$")
_PLAIN_NAME: Final = later(r"[A-Za-z0-9_./:+-]{1,60}")
# A surrogate escape that is half of no pair. An escaped backslash before one must not be taken for its own.
_LONE: Final = later(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
_SURROGATE: Final = (rb"\ud", rb"\uD")
_BACKSLASH: Final = b"\xff\xff"
"""Stands for an escaped backslash; UTF-8 has no such bytes."""
MOST_JSON_ENTRIES: Final = 100_000
"""An array or object with more entries is not read: each takes memory that its bytes don't show."""


def label(name: str | None) -> str:
    """Returns a type or version in a form that is safe to show and log: a short plain name, or else `?`."""
    return name if name and _PLAIN_NAME.fullmatch(name) else "?"


def skipped(kind: str | None, reason: str, version: str | None) -> Skipped:
    """Describes a record, or part of one, that was not understood. `reason` must not quote it."""
    return Skipped(record_type=label(kind), reason=reason, version=label(version) if version else None)


def mend(data: bytes, *, at_once: int = 1 << 20) -> bytes:
    """Returns `data` without byte order mark, lone surrogate escapes and broken UTF-8."""
    # `at_once` bytes at a time, since a text takes up to four times as much memory as its bytes.
    decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
    ends = range(at_once, len(data) + at_once, at_once)
    texts = (decoder.decode(data[end - at_once : end], final=end >= len(data)) for end in ends)
    plain = b"".join(text.encode() for text in texts)
    if not any(escape in plain for escape in _SURROGATE):  # found much sooner than by the pattern
        return plain
    return _LONE.sub(lambda _: rb"\ufffd", plain.replace(rb"\\", _BACKSLASH)).replace(_BACKSLASH, rb"\\")


def objects_in(head: bytes, *, most: int) -> Iterator[dict[str, Any]]:
    """Yields the JSON objects among the first `most` lines of a file's beginning, ignoring a truncated line."""
    for line in head.split(b"\n")[:most]:
        try:
            yield _OBJECT.decode(line)
        except UNREADABLE:
            continue


def content_text(raw: msgspec.Raw | None) -> str | None:
    """Returns the text of a field that is a string or a list of content blocks; None if it is neither."""
    if (text := string_of(raw)) is not None:
        return text
    parts = part_of(raw, list[TextPart])
    return None if parts is None else "\n".join(part.text for part in parts if part.text)


def string_of(raw: msgspec.Raw | None) -> str | None:
    """Returns the string in a raw field; None if it holds something else."""
    return part_of(raw, str)


def part_of(raw: msgspec.Raw | None, kind: type[_T]) -> _T | None:
    """Decodes a raw field as `kind`, repairing it if need be; None if it is absent or has another shape."""
    return None if raw is None or raw is ABSENT else read_with(raw, decoder_of(kind))


def read_with(data: bytes | msgspec.Raw, decoder: msgspec.json.Decoder[_T]) -> _T | None:
    """Decodes what is there, as `part_of` does."""
    try:
        found = decoder.decode(data)
    except msgspec.ValidationError:
        return None
    except UNREADABLE:
        try:
            found = decoder.decode(mend(bytes(data)))
        except UNREADABLE:
            return None
    return None if isinstance(found, (list, dict)) and len(found) > MOST_JSON_ENTRIES else found


def read_line(decoder: msgspec.json.Decoder[_T], data: bytes, *, version: str | None = None) -> _T | Skipped:
    """Decodes a record, or says why it can't be decoded. `version`: the client's."""
    found = read(decoder, data)
    if not isinstance(found, str):
        return found
    given = part_of(msgspec.Raw(mend(data)), dict[str, msgspec.Raw]) or {}
    return skipped(string_of(given.get("type")), found, string_of(given.get("version")) or version)


def read(decoder: msgspec.json.Decoder[_T], data: bytes) -> _T | str:
    """Decodes `data`, repairing it if need be, or returns what is wrong with it, without quoting it."""
    for made_ready in (bytes, mend):
        try:
            return decoder.decode(made_ready(data))
        except msgspec.ValidationError as error:
            place = _PLACE.search(str(error))
            return f"unexpected shape at {place[1]}" if place else "unexpected shape"
        except RecursionError:
            return "nested too deeply"
        except UNREADABLE:
            continue
    return "not JSON"
