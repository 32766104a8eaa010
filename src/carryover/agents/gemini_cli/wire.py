"""The structure of a Gemini CLI transcript, as far as we rely on it, and the records that its readers add.

Every part stays raw until it is needed, so a malformed part affects only itself. Format facts: FACTS.md.
"""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.records.rawjson import ABSENT


class Line(msgspec.Struct, frozen=True):
    """One record. Its kind follows from the members it has (0.44 to 0.61)."""

    id: msgspec.Raw = ABSENT
    """Id of a message. It recurs whenever the message has grown."""
    type: msgspec.Raw = ABSENT
    timestamp: msgspec.Raw = ABSENT
    content: msgspec.Raw = ABSENT
    """A string, or a list of parts."""
    display: msgspec.Raw = msgspec.field(default=ABSENT, name="displayContent")
    """The user's text, if `content` is what the client made of it."""
    model: msgspec.Raw = ABSENT
    calls: msgspec.Raw = msgspec.field(default=ABSENT, name="toolCalls")
    session_id: msgspec.Raw = msgspec.field(default=ABSENT, name="sessionId")
    """Id in a header, which may recur in the middle of a file."""
    project_hash: msgspec.Raw = msgspec.field(default=ABSENT, name="projectHash")
    start_time: msgspec.Raw = msgspec.field(default=ABSENT, name="startTime")
    kind: msgspec.Raw = ABSENT
    directories: msgspec.Raw = ABSENT
    summary: msgspec.Raw = ABSENT
    messages: msgspec.Raw = ABSENT
    patch: msgspec.Raw = msgspec.field(default=ABSENT, name="$set")
    rewind_to: msgspec.Raw = msgspec.field(default=ABSENT, name="$rewindTo")
    begin: msgspec.Raw = msgspec.field(default=ABSENT, name="$begin")
    """In a record that a reader adds (`Begin`)."""


class Part(msgspec.Struct, frozen=True):
    """One part of a message's content. Parts of other kinds (images, calls) have no text."""

    text: msgspec.Raw = ABSENT
    thought: msgspec.Raw = ABSENT
    """`true`: the model's thoughts, which the user is not shown."""
    inline_data: msgspec.Raw = msgspec.field(default=ABSENT, name="inlineData")


class Begin(msgspec.Struct, frozen=True, omit_defaults=True):
    """Header that a reader puts before its records: the start folder, and how much of a document follows."""

    root: str | None = None
    """The start folder, as the client noted it beside the transcripts."""
    document: bool = False
    """Whether the messages come from a document that is rewritten as a whole."""
    on: bool = False
    """Whether the records follow those of earlier batches."""
    more: bool = False
    """Whether another batch follows."""


class Call(msgspec.Struct, frozen=True):
    """A tool call and, once it has ended, its result."""

    id: msgspec.Raw = ABSENT
    name: msgspec.Raw = ABSENT
    args: msgspec.Raw = ABSENT
    status: msgspec.Raw = ABSENT
    result: msgspec.Raw = ABSENT
    shown: msgspec.Raw = msgspec.field(default=ABSENT, name="resultDisplay")
    """The result as the user saw it: a text or, for an edit, an object (`EditShown`)."""
    timestamp: msgspec.Raw = ABSENT


class EditShown(msgspec.Struct, frozen=True, rename="camel"):
    """An applied edit as the client showed it to the user."""

    file_path: str = ""
    file_diff: str = ""
    is_new_file: bool = False


class Document(msgspec.Struct, frozen=True):
    """A transcript in one document: `session-*.json` (0.26), rewritten with each message."""

    session_id: msgspec.Raw = msgspec.field(name="sessionId")
    messages: list[msgspec.Raw]
    project_hash: msgspec.Raw = msgspec.field(default=ABSENT, name="projectHash")
    start_time: msgspec.Raw = msgspec.field(default=ABSENT, name="startTime")
    kind: msgspec.Raw = ABSENT
    directories: msgspec.Raw = ABSENT
    summary: msgspec.Raw = ABSENT


LINE: Final = msgspec.json.Decoder(Line)
