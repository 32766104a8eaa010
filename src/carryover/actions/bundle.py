"""What one person shares with another: a handoff and the conversations behind it, as text alone, sealed in a file.

It holds no path, id or command that the receiving side would follow. The format is in architecture/share-format.md.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from carryover.decoders import decoder_of
from carryover.sync.sealing import Unreadable, deflated, inflated

LINE_CHARS: Final = 120
LARGEST_FILE: Final = 4 << 20
LARGEST_TEXT: Final = 8 << 20
"""How many characters the texts of a bundle may have together."""
_LARGEST_CONTENT: Final = 5 * LARGEST_TEXT
_LATEST_MS: Final = 32_503_680_000_000  # the year 3000

_Line = Annotated[str, msgspec.Meta(max_length=200)]
_Time = Annotated[int, msgspec.Meta(ge=0, le=_LATEST_MS)]


class SharedDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The turns of a session that lines of the handoff come from, as Markdown."""

    title: _Line
    text: str


class Bundle(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is shared. Times are UTC ms. All of it is the sender's claim; nothing proves it."""

    carryover_share: Literal[1] = 1
    sender: _Line
    host: _Line
    project: _Line
    title: _Line
    """What the newest session was about."""
    made_ms: _Time
    expires_ms: _Time | None = None
    """In a file of an earlier version: when it was to be out of date."""
    depth: Literal["handoff", "session", "all"] = "handoff"
    """How much an earlier version was asked to put into it."""
    handoff: str
    documents: Annotated[tuple[SharedDocument, ...], msgspec.Meta(max_length=1000)] = ()


def packed(bundle: Bundle) -> bytes:
    """Returns the bundle's content, to be encrypted."""
    return deflated(msgspec.json.encode(bundle))


def unpacked(content: bytes) -> Bundle:
    """Reverses `packed`. Raises Unreadable if the data has another form, or holds more than a bundle may."""
    data = inflated(content, _LARGEST_CONTENT)
    try:
        bundle = decoder_of(Bundle).decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable("it is no handoff, or one of a newer Carryover") from error
    if len(bundle.handoff) + sum(len(document.text) for document in bundle.documents) > LARGEST_TEXT:
        raise Unreadable("it is larger than it may be")
    return bundle
