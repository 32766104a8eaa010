"""The structure of Cursor's stores as far as we rely on it, the records of their readers, and the parser's state.

Any field may be missing or have another type. Reported for builds of 2025 and 2026 (`_v` 3 to 18 of the editor's
conversations, 3 of bubbles): FACTS.md.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from carryover.adapter import event_builder
from carryover.model import PlanState
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
    name: str = ""
    input: msgspec.Raw = rawjson.ABSENT
    call_id: str = msgspec.field(default="", name="toolCallId")
    tool_name: str = msgspec.field(default="", name="toolName")
    args: msgspec.Raw = rawjson.ABSENT
    result: msgspec.Raw = rawjson.ABSENT
    is_error: msgspec.Raw = msgspec.field(default=rawjson.ABSENT, name="isError")


class Conversation(msgspec.Struct, frozen=True, omit_defaults=True):
    """Facts that every record of a database repeats. `folders`: the window's, absolute.

    `parent`: the conversation that this sub-agent's conversation belongs to, or its own id while that is unknown.
    """

    id: str
    name: str = ""
    model: str = ""
    parent: str | None = None
    folders: tuple[str, ...] = ()


class StoreRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A record that a database's reader emits: the beginning of a conversation, a bubble of the editor, a message of a
    chat, something skipped or, last, the state of the whole conversation."""

    kind: Literal["begin", "bubble", "message", "state", "skipped"]
    conversation: Conversation = Conversation("")
    at_ms: int = 0
    """0 if the time is unknown; of a message, when the chat was made."""
    noted_ms: int = 0
    """When the chat was last changed."""
    on: bool = False
    """Whether what follows continues what was emitted before."""
    more: bool = False
    """Whether another batch follows."""
    id: str = ""
    """Of a bubble or a message; with a state, of the bubble that ended the turn."""
    type: int | None = None
    """Of the bubble's header."""
    bubble: Fields = {}
    aborted: bool = False
    """Whether the turn was broken off at this bubble."""
    message: Fields = {}
    status: str = ""
    """How the last turn ended; empty while it runs."""
    todos: msgspec.Raw = rawjson.ABSENT
    summary: msgspec.Raw = rawjson.ABSENT
    what: Literal["", "conversation", "bubble", "message"] = ""
    why: Literal["", "remote workspace", "not JSON", "unexpected root"] = ""
    """What is skipped, and the reason."""


def unwrapped(raw: msgspec.Raw | None) -> msgspec.Raw:
    """Returns a field that holds JSON or JSON inside a string. A string that is not JSON stays a string."""
    text = text_of(raw).strip()
    inner = msgspec.Raw(text.encode("utf-8", "replace"))
    is_json = text[:1] in ("{", "[", '"') and rawjson.part_of(inner, msgspec.Raw) is not None
    return inner if is_json else raw or rawjson.ABSENT


class Todo(msgspec.Struct, frozen=True, omit_defaults=True):
    """One entry of the todo list."""

    id: str
    text: str
    state: PlanState = "pending"


class OpenCall(event_builder.OpenCall, frozen=True, omit_defaults=True):
    """A tool call whose result has not come yet."""

    questions: tuple[str, ...] = ()


class TalkContext(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of a source that holds one conversation."""

    cwd: str | None = None
    last_ms: int = 0
    """Time of the last record; records without a time come 1 ms later."""
    timed: bool = False
    """Whether any record had its own time, so that times from elsewhere are no longer used."""
    marks: bool = False
    """Whether the client marks what the user typed, so that a message without the mark is the client's."""
    calls: tuple[OpenCall, ...] = ()
    todos: tuple[Todo, ...] = ()


class Emitted(msgspec.Struct, frozen=True, omit_defaults=True):
    """The facts about a conversation in a database that were emitted so far."""

    last: bytes | None = None
    """Key of the last event. Bytes, since text might be taken for a secret."""
    last_ms: int = 0
    marks: dict[str, int] = {}
    """Fingerprints of the emitted facts, to emit only new ones. They are numbers, since text might be taken for a
    secret."""
    folder: str | None = None
    """Folder that the conversation works in, if the workspace has several."""


class Context(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of one source between two records."""

    talk: TalkContext = TalkContext()
    emitted: dict[str, Emitted] = msgspec.field(default_factory=dict, name="told")
    """The conversations emitted last, for databases only. Stored under the field's name in 0.1.0."""
