"""Documents that are rewritten in place, so that a read may find half of one: sessions, and tasks of the extension.

A reader emits a `Begin`, then the messages that are new, and at last a `TaskState`, which is emitted again whenever the
document changes: what becomes of it follows the messages and is replaced with them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import FileStat, Parsed, Record, Source
from carryover.model import AnyBody, SessionInfo
from carryover.records import rawjson
from carryover.records.lenient import Fields, fields_of, time_of
from carryover.transcript.files import read_document
from carryover.transcript.recorder import OneSession, SessionContext, reemitted_after, usable_folder
from carryover.transcript.rewritten import Document, not_whole


class Begin(msgspec.Struct, frozen=True, omit_defaults=True):
    """The beginning of a document. `on`: its messages follow those emitted before; `more`: another batch follows."""

    session: str
    cwd: str | None = None
    at_ms: int = 0
    subagent_id: str | None = None
    attended: bool = True
    """Whether a person was there to answer questions."""
    on: bool = False
    more: bool = False


class ConversationState(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is true of a whole conversation."""

    info: SessionInfo = SessionInfo()
    prompt: str = ""
    """The first prompt, as long as it is not among the messages."""


class _Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One record. Exactly one of its fields is given."""

    begin: Begin | None = None
    message: msgspec.Raw = rawjson.ABSENT
    state: ConversationState | None = None


class TaskContext(SessionContext, frozen=True, omit_defaults=True):
    """The state of one document between two records."""

    session: str = ""
    subagent_id: str | None = None
    attended: bool = True
    number: int = 0
    """How many messages were read."""
    prompted: bool = False
    """Whether a prompt was read."""
    last: bytes | None = None
    """Key of the last event of a message."""


_ENTRY: Final = msgspec.json.Decoder(_Entry)


@dataclass(slots=True, kw_only=True)
class MessageBuilder(OneSession[TaskContext]):
    """Records one message, with whose id the keys of its events begin; without one, what is true of the whole."""

    def add(self, body: AnyBody, key: str, mark: str = "") -> None:
        """Adds an event; `key` is its place in the message."""
        if self.session:
            super(MessageBuilder, self).add(body, key, mark)
        else:
            self.skip("message", "nothing says of which session it is")


def parse_entry(
    source: Source,
    context: TaskContext,
    record: Record,
    ident: Callable[[TaskContext, Fields], str],
    message: Callable[[MessageBuilder], None],
    state: Callable[[MessageBuilder, ConversationState], None],
) -> tuple[TaskContext, Parsed]:
    """Parses one record of a reader. Never raises: what is not understood is counted in `skipped`.

    `ident`: the id of a message, unique within the agent. `message`, `state`: what they become.
    """
    entry = rawjson.read(_ENTRY, record.data)
    if isinstance(entry, str):
        return context, Parsed(skipped=(rawjson.skipped(None, entry, None),))
    if entry.begin is not None:
        return _begun(context, entry.begin, source)
    fields = fields_of(entry.message)
    if entry.state is None:
        at_ms = time_of(fields.get("ts")) or context.last_ms
        context = msgspec.structs.replace(context, last_ms=at_ms, number=context.number + 1)
    builder = MessageBuilder(
        context=context,
        session=context.session,
        subagent_id=context.subagent_id,
        at_ms=context.last_ms,
        prefix=f"{context.session if entry.state is not None else ident(context, fields)}:",
        kind="message",
        data=fields,
    )
    if entry.state is not None:
        state(builder, entry.state)
        return context, builder.built()
    message(builder)
    if builder.events:
        builder.change(last=builder.last_key)
    return builder.context, builder.built()


def _begun(context: TaskContext, begin: Begin, source: Source) -> tuple[TaskContext, Parsed]:
    """Returns the context at the beginning of a document, and what is emitted again of its thread."""
    known = context if begin.on else TaskContext(last_ms=begin.at_ms)
    session = begin.session or source.session or ""
    subagent_id = begin.subagent_id or source.subagent_id
    context = msgspec.structs.replace(
        known, session=session, subagent_id=subagent_id, cwd=usable_folder(begin.cwd), attended=begin.attended
    )
    again = reemitted_after(known.last, session=session, subagent_id=subagent_id, more=begin.more)
    return context, Parsed(reemitted=again)


def document_now(begin: Begin, messages: Sequence[bytes | msgspec.Raw], state: ConversationState) -> Document:
    """Returns a document as it is now. In another folder it is emitted again."""
    return Document(
        f"{begin.session} {begin.cwd}",
        messages,
        lambda on, more: msgspec.json.encode(_Entry(begin=msgspec.structs.replace(begin, on=on, more=more))),
        record=lambda _, message: msgspec.json.encode(_Entry(message=msgspec.Raw(message))),
        end=msgspec.json.encode(_Entry(state=state)),
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
