"""The records that the reader makes of a session, and what is remembered between two of them."""

from __future__ import annotations

import msgspec

from carryover.records.rawjson import ABSENT


class Begin(msgspec.Struct, frozen=True, omit_defaults=True):
    """The session whose items follow.

    `on`: they follow those read before; `more`: another batch follows; `summary`: key of the summary that the history
    begins with, in place of all that it held before.
    """

    session: str
    on: bool = False
    more: bool = False
    summary: str = ""


class Piece(msgspec.Struct, frozen=True, omit_defaults=True):
    """An item of the history, or the title. `key` is made of the texts and calls up to it; `at_ms`: the file's time."""

    key: str
    at_ms: int
    cwd: str | None = None
    item: msgspec.Raw = ABSENT
    title: str | None = None
    model: str | None = None
    after_summary: bool = False


class Line(msgspec.Struct, frozen=True):
    """A record of the reader: one of both."""

    begin: Begin | None = None
    piece: Piece | None = None


class Context(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of one session between two records. Keys are bytes, since text might be taken for a secret."""

    session: str | None = None
    last: bytes | None = None
    """Key of the last event."""
    summary: bytes = b""
    """Key of the summary that the history begins with."""
    before: bytes | None = None
    """Key of the last event before that summary."""
