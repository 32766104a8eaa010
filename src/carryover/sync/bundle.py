"""What one person shares with another: a handoff and the conversations behind it, as text alone, sealed in a file.

It holds no path, id or command that the receiving side would follow. The format is in architecture/share-format.md.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from carryover.sync.sealing import HEADER, LARGEST_OBJECT, Unreadable, deflated, inflated

Depth = Literal["handoff", "session", "all"]

LARGEST_FILE: Final = LARGEST_OBJECT
LARGEST_TEXT: Final = 8 << 20
"""How many characters the texts of a bundle may have together."""
_LARGEST_CONTENT: Final = 5 * LARGEST_TEXT
_LATEST_MS: Final = 32_503_680_000_000  # the year 3000

Line = Annotated[str, msgspec.Meta(max_length=200)]
Time = Annotated[int, msgspec.Meta(ge=0, le=_LATEST_MS)]


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A session, or the turns of one that lines of the handoff come from, as Markdown."""

    title: Line
    text: str


class Bundle(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is shared. Times are UTC ms. All of it is the sender's own word; nothing proves it."""

    carryover_share: Literal[1] = 1
    sender: Line
    host: Line
    project: Line
    title: Line
    """What the newest session was about."""
    made_ms: Time
    expires_ms: Time | None = None
    depth: Depth
    handoff: str
    documents: Annotated[tuple[Document, ...], msgspec.Meta(max_length=1000)] = ()

    @property
    def chars(self) -> int:
        """The length of all texts."""
        return len(self.handoff) + sum(len(document.text) for document in self.documents)


def is_sealed(head: bytes) -> bool:
    """Whether a file that begins with `head` was encrypted with age."""
    return head.startswith(HEADER)


def packed(bundle: Bundle) -> bytes:
    """Returns the bundle's content, to be encrypted."""
    return b"".join(deflated(msgspec.json.encode(bundle)))


def unpacked(content: bytes) -> Bundle:
    """Reverses `packed`. Raises Unreadable if it is anything else, or more than a bundle may hold."""
    data = inflated((content,), _LARGEST_CONTENT)
    try:
        bundle = msgspec.json.decode(data, type=Bundle)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable("it is no handoff, or one of a newer Carryover") from error
    if bundle.chars > LARGEST_TEXT:
        raise Unreadable("it is larger than it may be")
    return bundle
