"""A note: a text from outside, such as the answer of a web chat, as a document that is taken into the ledger.

It becomes a session with the id of no agent, so that nothing takes it for what the user or an agent said.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Final

import msgspec

from carryover.adapter.contract import Agent, Parsed, Record, Source
from carryover.adapter.spec import AgentSpec
from carryover.model import NOTE, AnyBody, AssistantMessage, Event, SessionInfo, Skipped
from carryover.readers.jsonl import JsonlReader

FORM: Final = "a note"
MARK: Final = "carryover_note"
_HEAD: Final = f'{{"{MARK}":1,'.encode()
_SPEC: Final = AgentSpec(id=NOTE, name="Note", binaries=(), folders=())


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A text from outside. `at_ms` is the UTC time at which the user brought it in, `root` that of the project."""

    carryover_note: int = 1
    session: str
    at_ms: int
    root: str
    title: str
    text: str


class Context(msgspec.Struct, frozen=True):
    """Nothing is to be remembered of a document that is one record."""


def note_id(root: str, source: str, text: str) -> str:
    """The session id of a note: the same text from the same place is the same note."""
    parts = "\0".join((root, source, text)).encode("utf-8", "surrogatepass")
    return f"{NOTE}-{hashlib.blake2b(parts, digest_size=8).hexdigest()}"


def encoded(note: Note) -> bytes:
    """The document of a note."""
    return msgspec.json.encode(note) + b"\n"


def is_note(head: bytes) -> bool:
    """Whether a document that begins like this is a note."""
    return head.startswith(_HEAD)


def note_agent() -> Agent:
    """How such a document is read."""
    return Agent(
        spec=_SPEC,
        reader=JsonlReader(copied=True),
        context_type=Context,
        source_of=lambda _path, _root: None,
        sources=lambda _root: [],
        parse=_parse,
    )


def note_source(path: Path) -> Source:
    """The document as a source."""
    return Source(agent=NOTE, path=str(path))


def _parse(_source: Source, context: Any, record: Record) -> tuple[Any, Parsed]:
    try:
        note = msgspec.json.decode(record.data, type=Note)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return context, Parsed(skipped=(Skipped(record_type=MARK, reason="not a note"),))
    bodies: tuple[AnyBody, ...] = (SessionInfo(title=note.title), AssistantMessage(text=note.text, final=True))
    events = (
        Event(
            key=f"{note.session}:{note.at_ms}:{number}",
            session=note.session,
            at_ms=note.at_ms,
            body=body,
            cwd=note.root,
        )
        for number, body in enumerate(bodies)
    )
    return context, Parsed(tuple(events))
