"""Documents that are rewritten in place, so that a read may find half of one: sessions, and tasks of the extension.

A reader emits a beginning, then the messages that are new, and at last the state of the whole, whenever the document
changes. Only those of its facts become an event that are new: an event that came again behind each message would have
all of the conversation's folded again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from carryover.adapter.contract import FileStat, Parsed, Record, Source
from carryover.model import SessionInfo
from carryover.records import rawjson
from carryover.records.lenient import Fields, fields_of, time_of
from carryover.transcript.files import read_document
from carryover.transcript.rewritten import Document, not_whole
from carryover.transcript.stored import StoredBuilder, StoredContext, StoredFacts, StoredRecord, parse_stored


class TaskFacts(StoredFacts, frozen=True, omit_defaults=True):
    """Facts about the conversation, which each record repeats. `attended`: whether a person was there to answer
    questions."""

    attended: bool = True


class TaskRecord(StoredRecord, frozen=True, omit_defaults=True):
    """A record of a message. The last record has what is true of the whole conversation: facts, and the first prompt
    unless it is among the messages."""

    session: TaskFacts
    message: msgspec.Raw = rawjson.ABSENT
    info: SessionInfo = SessionInfo()
    prompt: str = ""


class TaskContext(StoredContext, frozen=True, omit_defaults=True):
    """The state of one document between two records."""

    number: int = 0
    """How many messages were read."""
    prompted: bool = False
    """Whether a prompt was read."""


_RECORD: Final = msgspec.json.Decoder(TaskRecord)


class MessageBuilder(StoredBuilder, kw_only=True):
    """Records one message, with whose id the keys of its events begin; without one, what is true of the whole."""

    context: TaskContext
    native: TaskFacts
    kind: str = "message"

    def begin(self, record: StoredRecord, after: bytes | None = None) -> tuple[StoredContext, Parsed]:
        """Marks what is emitted again: all messages, unless new ones only follow those already read."""
        if not record.on:
            self.change(number=0, prompted=False)
        return super().begin(record, after)


def parser(
    ident: Callable[[MessageBuilder], str],
    message: Callable[[MessageBuilder], None],
    prompt: Callable[[MessageBuilder, str], None] | None = None,
) -> Callable[[Source, TaskContext, Record], tuple[TaskContext, Parsed]]:
    """Returns the parser of a reader's records. `ident` returns the id of a message, unique within the agent;
    `message` emits the events of a message, and `prompt` the first prompt as long as no message has it."""

    def piece(builder: MessageBuilder, record: TaskRecord) -> None:
        builder.at_ms = builder.reported.last_ms
        if record.kind == "session":
            builder.prefix = f"{builder.session}:"
            is_said = record.info != SessionInfo() and builder.subagent_id is None
            if is_said and builder.news("info", f"{builder.at_ms > 0} {record.info}"):
                builder.add(record.info, "info")
            if prompt is not None and record.prompt:
                builder.kept, _ = builder.finished()  # its message replaces it
                prompt(builder, record.prompt)
            return
        builder.data = fields_of(record.message)
        builder.at_ms = time_of(builder.data.get("ts")) or builder.at_ms
        builder.report(last_ms=builder.at_ms)
        builder.change(number=builder.context.number + 1)
        builder.prefix = f"{ident(builder)}:"
        message(builder)

    return partial(parse_stored, _RECORD, MessageBuilder, piece)


def document_now(facts: TaskFacts, messages: Sequence[bytes | msgspec.Raw], *, at_ms: int, **whole: object) -> Document:
    """Returns the current document, which began at `at_ms`. `whole`: fields of the last record. A document whose folder
    has changed is emitted again."""

    def record(kind: Literal["begin", "message", "session"], **fields: Any) -> bytes:
        return msgspec.json.encode(TaskRecord(kind, facts, **fields))

    return Document(
        f"{facts.root or facts.id} {facts.directory}",
        messages,
        lambda on, more: record("begin", at_ms=at_ms, on=on, more=more),
        record=lambda _, message: record("message", message=msgspec.Raw(message)),
        end=lambda _: record("session", **whole),
    )


def id_in(message: Fields, name: str) -> str:
    """Returns the id in a field of a message, whether it is a text or a number."""
    return bytes(message.get(name, b"")).decode("utf-8", "replace").strip('"')


def messages_in(path: Path, stat: FileStat, below: str = "") -> tuple[Fields, list[msgspec.Raw]]:
    """Returns the fields of a document and the messages in the list `below` them; "": the document is the list.

    Raises OSError if there is none; with EAGAIN if it may still be written.
    """
    data = msgspec.Raw(read_document(path) or b"null")
    fields = fields_of(data) if below else {}
    messages = rawjson.part_of(fields.get(below) if below else data, list[msgspec.Raw])
    if messages is None:
        raise not_whole(path, stat, "not a conversation")
    return fields, messages
