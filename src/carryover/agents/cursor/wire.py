"""The structure of Cursor's databases, as far as we rely on it, and the records that their readers make.

Any field may be missing or have another type. Reported for builds of 2025 and 2026 (`_v` 3 to 18 of the editor's
conversations, 3 of bubbles): FACTS.md.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from carryover.records import rawjson
from carryover.records.lenient import Fields, text_of

USER: Final = 1
ASSISTANT: Final = 2
"""Types of bubbles and headers."""
TOOL: Final = 15
COMPACTION: Final = 22
THINKING: Final = 30
"""Capability types; bubbles with plain text have none."""
UNFINISHED: Final = frozenset(("loading", "pending", "running"))
"""States of a tool call that has not ended."""


class Block(msgspec.Struct, frozen=True):
    """A part of a message: in a transcript as in Anthropic's API, in a chat as in the AI SDK."""

    type: str
    text: str | None = None
    name: str | None = None
    input: msgspec.Raw = rawjson.ABSENT
    tool_call_id: str | None = msgspec.field(default=None, name="toolCallId")
    tool_name: str | None = msgspec.field(default=None, name="toolName")
    args: msgspec.Raw = rawjson.ABSENT
    result: msgspec.Raw = rawjson.ABSENT
    is_error: msgspec.Raw = msgspec.field(default=rawjson.ABSENT, name="isError")


class Conversation(msgspec.Struct, frozen=True, omit_defaults=True):
    """Facts that every record repeats. `folders`: the window's, absolute.

    `parent`: the conversation that this sub-agent's conversation belongs to, or its own id while that is unknown.
    """

    id: str
    name: str = ""
    model: str = ""
    parent: str | None = None
    folders: tuple[str, ...] = ()


class _Record(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", omit_defaults=True):
    """Base of the records. `at_ms` is 0 if the time is unknown."""

    conversation: Conversation
    at_ms: int = 0


class BeginRecord(_Record, frozen=True, kw_only=True, tag="begin"):
    """Announces a conversation's records. `on`: they follow those emitted before; `more`: another batch follows.

    `compacted`: earlier messages may be missing and still count.
    """

    on: bool = False
    more: bool = False
    compacted: bool = False


class BubbleRecord(_Record, frozen=True, kw_only=True, tag="bubble"):
    """A bubble of the editor: a prompt, a text of the model, or a tool call with its result.

    `final` and `aborted` tell how the turn continued after a text. `type`: that of its header.
    """

    bubble_id: str
    final: bool | None = None
    aborted: bool = False
    type: int | None = None
    bubble: Fields


class MessageRecord(_Record, frozen=True, kw_only=True, tag="message"):
    """A message of a chat, identified by the start of its id and the number of identical ones before it.

    `noted_ms`: when the chat was last changed.
    """

    message_id: str
    occurrence: int = 0
    noted_ms: int = 0
    data: msgspec.Raw


class StateRecord(_Record, frozen=True, kw_only=True, tag="state"):
    """The state of the whole conversation, after its records. `status` is empty while it runs."""

    status: str = ""
    bubble_id: str = ""
    todos: msgspec.Raw = rawjson.ABSENT
    summary: msgspec.Raw = rawjson.ABSENT


class PassedByRecord(msgspec.Struct, frozen=True, kw_only=True, tag="passed_by", tag_field="kind"):
    """Something that is not read, and the reason."""

    what: Literal["conversation", "bubble", "message"]
    why: Literal["remote workspace", "not JSON", "unexpected root"]


AnyRecord = BeginRecord | BubbleRecord | MessageRecord | StateRecord | PassedByRecord
RECORD: Final[msgspec.json.Decoder[AnyRecord]] = msgspec.json.Decoder(AnyRecord)


def unwrapped(raw: msgspec.Raw | None) -> msgspec.Raw:
    """Returns a field that holds JSON or JSON inside a string. A string that is not JSON stays a string."""
    text = text_of(raw).strip()
    inner = msgspec.Raw(text.encode("utf-8", "replace"))
    is_json = text[:1] in ("{", "[", '"') and rawjson.part_of(inner, msgspec.Raw) is not None
    return inner if is_json else raw or rawjson.ABSENT
