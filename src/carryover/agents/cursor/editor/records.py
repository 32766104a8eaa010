"""The records that the editor's reader makes: JSON objects with all that the fold must know, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec

from carryover.agents.cursor.editor.wire import Bubble
from carryover.records import rawjson

TAKEN_BACK_AT_ONCE: Final = 40

Follows = Literal["user", "assistant", "nothing"]


class Conversation(msgspec.Struct, frozen=True, omit_defaults=True):
    """Facts that each record repeats. `parent`: the conversation that this one, a sub-agent's, belongs to; its own id
    where nobody knows it. `folders`: those of the window, absolute."""

    id: str
    name: str = ""
    model: str = ""
    parent: str | None = None
    folders: tuple[str, ...] = ()


class BubbleRecord(msgspec.Struct, frozen=True, kw_only=True, tag="bubble", tag_field="kind", omit_defaults=True):
    """A bubble. `bubble_id` is as it stands in keys; `take` counts how often it was given out before and taken back.
    `whole`: it is final; otherwise nobody writes to it any more, or so it seems. `follows`: what comes after it."""

    conversation: Conversation
    bubble_id: str
    at_ms: int
    take: int = 0
    whole: bool = True
    follows: Follows = "nothing"
    status: str = ""
    """The conversation's, where it has come to an end with this bubble."""
    type: int | None = None
    """The bubble's, or else its header's."""
    bubble: Bubble


class StateRecord(msgspec.Struct, frozen=True, kw_only=True, tag="state", tag_field="kind", omit_defaults=True):
    """The conversation as a whole, after its last bubble. `status` is empty while it goes on."""

    conversation: Conversation
    at_ms: int
    status: str = ""
    bubble_id: str = ""
    take: int = 0
    todos: msgspec.Raw = rawjson.ABSENT
    summary: msgspec.Raw = rawjson.ABSENT


class TakenBackRecord(msgspec.Struct, frozen=True, kw_only=True, tag="taken_back", tag_field="kind"):
    """Bubbles that are no longer part of the conversation: their ids and takes."""

    conversation: Conversation
    at_ms: int
    bubbles: tuple[tuple[str, int], ...]


class PassedByRecord(msgspec.Struct, frozen=True, kw_only=True, tag="passed_by", tag_field="kind"):
    """Something that is not read, and why."""

    what: Literal["conversation", "bubble"]
    why: Literal["remote workspace", "not JSON"]


AnyRecord = BubbleRecord | StateRecord | TakenBackRecord | PassedByRecord


def encoded(record: AnyRecord) -> bytes:
    return msgspec.json.encode(record)


def taken_back(conversation: Conversation, at_ms: int, bubbles: Sequence[tuple[str, int]]) -> list[TakenBackRecord]:
    """Records that take `bubbles` back; several, so that none is too large."""
    return [
        TakenBackRecord(conversation=conversation, at_ms=at_ms, bubbles=tuple(bubbles[at : at + TAKEN_BACK_AT_ONCE]))
        for at in range(0, len(bubbles), TAKEN_BACK_AT_ONCE)
    ]


def told_of(record: StateRecord) -> Any:
    """What of a record about a conversation as a whole is news when it differs."""
    return msgspec.structs.replace(record, at_ms=0)
