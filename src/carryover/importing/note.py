"""A note: text from outside, such as a web chat's answer, as a document that can be imported.

It becomes a session with an id that no agent has, so that it is never mistaken for the user's or an agent's words.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Final

import msgspec

from carryover.adapter.contract import Agent, Parsed, Record, Source
from carryover.adapter.spec import AgentSpec
from carryover.importing.turns import document_agent
from carryover.model import NOTE, AnyBody, AssistantMessage, Event, SessionInfo, Skipped
from carryover.readers.jsonl import JsonlReader

FORM: Final = "a note"
MARK: Final = "carryover_note"
_HEAD: Final = f'{{"{MARK}":1,'.encode()
_SPEC: Final = AgentSpec(id=NOTE, name="Note", binaries=(), folders=())


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A text from outside, or a part of one. `at_ms`: when the user added it (UTC ms). `root`: the project's."""

    carryover_note: int = 1
    session: str
    at_ms: int
    root: str
    title: str
    text: str
    part: int = 0


class Context(msgspec.Struct, frozen=True):
    """The empty context: each record of a note says all of it that matters."""


def note_id(root: str, source: str, text: str) -> str:
    """Returns the session id of a note. The same text from the same source gives the same id."""
    parts = "\0".join((root, source, text)).encode("utf-8", "surrogatepass")
    return f"{NOTE}-{hashlib.blake2b(parts, digest_size=8).hexdigest()}"


def encoded(note: Note) -> bytes:
    """Encodes a note as a document."""
    return msgspec.json.encode(note) + b"\n"


def is_note(head: bytes) -> bool:
    """Whether a document that begins with `head` is a note."""
    return head.startswith(_HEAD)


def note_agent() -> Agent:
    """Returns the pseudo-agent that reads notes."""
    return document_agent(_SPEC, JsonlReader(copied=True), Context, _parse)


def note_source(path: Path) -> Source:
    """Returns a note's file as a source."""
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
        for number, body in enumerate(bodies, 2 * note.part)
    )
    return context, Parsed(tuple(events))
