"""The lines of a Claude Code transcript, as far as we rely on them, and how they are read.

Unknown fields are ignored. Parts whose shape depends on the tool or the record type stay raw until somebody needs
them, so a bulky record costs one pass over its bytes. Facts: FACTS.md.
"""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.records.rawjson import ABSENT, UNREADABLE, decode, shape_of


class Line(msgspec.Struct, frozen=True, rename="camel"):
    """One record (seen: 2.0.65, 2.1.11-16, 2.1.111, 2.1.126, 2.1.328)."""

    type: str
    uuid: str | None = None
    timestamp: str | None = None
    cwd: str | None = None
    session_id: str | None = None
    version: str | None = None
    git_branch: str | None = None
    is_sidechain: bool | None = None
    agent_id: str | None = None
    forked_from: msgspec.Raw = ABSENT

    message: msgspec.Raw = ABSENT
    is_meta: bool | None = None
    is_compact_summary: bool | None = None
    is_visible_in_transcript_only: bool | None = None
    origin: msgspec.Raw = ABSENT
    prompt_source: str | None = None
    tool_use_result: msgspec.Raw = ABSENT
    tool_denial_kind: str | None = None
    tool_denial_before_run: bool | None = None

    is_aborted_mid_stream: bool | None = None
    is_api_error_message: bool | None = None
    error: msgspec.Raw = ABSENT
    api_error_status: msgspec.Raw = ABSENT

    subtype: str | None = None
    content: msgspec.Raw = ABSENT
    compact_metadata: msgspec.Raw = ABSENT
    attachment: msgspec.Raw = ABSENT

    operation: str | None = None
    reason: msgspec.Raw = ABSENT
    custom_title: str | None = None
    ai_title: str | None = None


class Block(msgspec.Struct, frozen=True):
    """One entry of `message.content`: text, thinking, tool_use, tool_result, image..."""

    type: str
    text: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = ABSENT
    tool_use_id: str | None = None
    content: msgspec.Raw = ABSENT
    is_error: bool | None = None


class Message(msgspec.Struct, frozen=True):
    """The API message inside a `user` or `assistant` record."""

    content: str | list[Block]
    model: str | None = None
    stop_reason: str | None = None


class AttachmentKind(msgspec.Struct, frozen=True):
    """The `type` of an attachment, which decides whether the rest is read."""

    type: str


class Attachment(msgspec.Struct, frozen=True, rename="camel"):
    """Context given to the model beside the conversation. Only `queued_command` holds words of the user."""

    type: str
    prompt: msgspec.Raw = ABSENT
    command_mode: str | None = None
    is_meta: bool | None = None
    origin: msgspec.Raw = ABSENT


LINE: Final = msgspec.json.Decoder(Line)
_MESSAGE: Final = msgspec.json.Decoder(Message)


def message_of(line: Line) -> Message | str:
    """The message of a user or assistant record, or what is wrong with it."""
    try:
        return decode(_MESSAGE, line.message)
    except UNREADABLE as error:
        return shape_of(error)
