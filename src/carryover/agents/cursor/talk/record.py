"""What the readers of `store.db` and of `.txt` transcripts hand to the fold: one JSON object a record."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from carryover.records import rawjson

MAX_BLOCKS: Final = 50
"""Parts of one message that are folded: its undoing must be able to name what they gave."""


class Gone(msgspec.Struct, frozen=True, array_like=True):
    """A message that was given out and is no longer in the conversation. `blocks` is how many parts it had."""

    id: str
    occurrence: int
    blocks: int


class TalkRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Part of a conversation.

    `chat`: facts of the conversation, when new or changed. `message`: the raw message `data`, known by the
    beginning of its `id` and how often that came before. `undone`: messages the user took back. `unknown`: something
    that was not understood, `reason`.
    """

    kind: Literal["chat", "message", "undone", "unknown"]
    id: str = ""
    occurrence: int = 0
    created_ms: int = 0
    noted_ms: int = 0
    """When the conversation was last changed, as of the read."""
    title: str | None = None
    model: str | None = None
    cwd: str | None = None
    sub_agent: bool = False
    """The conversation is a sub-agent's."""
    gone: tuple[Gone, ...] = ()
    reason: str = ""
    data: msgspec.Raw = rawjson.ABSENT
