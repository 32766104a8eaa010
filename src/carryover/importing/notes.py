"""Notes: texts from outside, such as a web chat's answer, and what the user pins. Carryover writes and reads them."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import msgspec

from carryover.adapter.contract import Agent, Parsed, Record, Source
from carryover.adapter.spec import AgentSpec
from carryover.decoders import decoder_of
from carryover.importing.candidate import Candidate, OpenedDocument
from carryover.model import NOTE, PIN, AnyBody, AssistantMessage, Event, PinChange, SessionInfo, Skipped, UserPrompt
from carryover.transcript.jsonl import JsonlReader
from carryover.transcript.recorder import SessionContext

_MARK: Final = "carryover_note"
_HEAD: Final = f'{{"{_MARK}":1,'.encode()
_SPEC: Final = AgentSpec(id=NOTE, name="Note", binaries=(), folders=())


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A text from outside. `at_ms`: when the user added it (UTC ms). `root`: of the project."""

    carryover_note: int = 1
    session: str
    at_ms: int
    root: str
    title: str
    text: str
    pin: PinChange | None = None
    """What the user says of the text; None if it is not the user's own."""


def note_id(root: str, source: str, text: str) -> str:
    """Returns the session id of a note. The same text from the same source gives the same id."""
    return f"{NOTE}-{_digest_of(root, source, text)}"


def pin_id(root: str, text: str) -> str:
    """Returns the session id of what the user pinned. The same text gives the same id."""
    return f"{PIN}{_digest_of(root, text)}"


def _digest_of(*parts: str) -> str:
    content = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def encoded(note: Note) -> bytes:
    """Encodes a note as a document."""
    return msgspec.json.encode(note) + b"\n"


def recognised(file: Candidate) -> OpenedDocument | None:
    """Returns a document of notes; None if it is none, or outside Carryover's own folder: a note names its project
    itself, so a file that somebody sent would be in any handoff."""
    own = file.own_folder
    if own is None or not file.head.startswith(_HEAD) or not file.path.resolve().is_relative_to(own.resolve()):
        return None
    agent = Agent(spec=_SPEC, reader=JsonlReader(), context_type=SessionContext, parse=_parse)
    return OpenedDocument(agent, Source(agent=NOTE, path=str(file.path)), "a note")


def _parse(_source: Source, context: Any, record: Record) -> tuple[Any, Parsed]:
    try:
        note = decoder_of(Note).decode(record.data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return context, Parsed(skipped=(Skipped(record_type=_MARK, reason="not a note"),))
    said: AnyBody = AssistantMessage(text=note.text, final=True)
    if note.pin is not None:
        said = UserPrompt(text=note.text, command=note.pin)
    events = (
        Event(key=f"{note.session}:{note.at_ms}:{at}", session=note.session, at_ms=note.at_ms, body=body, cwd=note.root)
        for at, body in enumerate((SessionInfo(title=note.title), said))
    )
    return context, Parsed(tuple(events))
