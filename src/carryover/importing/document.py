"""Recognises the format of a user's file: an agent's transcript, exported or copied, or what a tool made of one."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import msgspec

from carryover.adapter.contract import Agent, Parsed, Record, Source
from carryover.adapter.spec import AgentSpec
from carryover.agents import adapters, agent_name, specs
from carryover.errors import ExitCode, UserError
from carryover.fsio import open_regular
from carryover.importing import atif, markdown_chat, specstory
from carryover.importing.turns import Document, document_agent, former_root, moved
from carryover.ingest.scan import first_cwd
from carryover.model import NOTE, AnyBody, AssistantMessage, Event, FileEdit, SessionInfo, Skipped, ToolCall, ToolResult
from carryover.readers.by_kind import reader_of_copies
from carryover.readers.jsonl import JsonlReader

HEAD_BYTES: Final = 64 << 10
_NOTHING: Final = "Nothing was imported from it."
_NOTE_MARK: Final = "carryover_note"
_NOTE_HEAD: Final = f'{{"{_NOTE_MARK}":1,'.encode()
_NOTE_SPEC: Final = AgentSpec(id=NOTE, name="Note", binaries=(), folders=())


def open_document(
    path: Path, *, project: str | None = None, agent_id: str | None = None, part: bool = False
) -> Document:
    """Opens the document at `path`. Blocking.

    `project`: the folder that all its sessions belong to, whatever the document says. `agent_id`: the agent, if the
    document does not name it. `part`: its first lines, which name the agent, may be missing. Raises UserError if it is
    not a file, or its format is not recognised.
    """
    head = _head(path)
    if head.startswith(_NOTE_HEAD):
        agent = document_agent(_NOTE_SPEC, JsonlReader(copied=True), NoteContext, _parse_note)
        return Document(agent, Source(agent=NOTE, path=str(path)), "a note")
    if atif.is_trajectory(head):
        found = atif.opened(path, agent_id)
        return replace(found, agent=_as_copy(found.agent, found.source, project))
    made = specstory.read_head(head)
    if (chat := markdown_chat.opened(path, head, project)) is not None:
        return chat
    if made is None:
        for agent in adapters().values():
            source = agent.exported(path, head) if agent.exported is not None else None
            if source is not None and agent_id in (None, agent.id):
                return Document(_as_copy(agent, source, project), source, agent_name(agent.id))
    if made is None and part and specstory.holds_turns(head):
        made = specstory.Made(None, None)
    if made is not None:
        spec = _spec(path, made.agent, agent_id, unnamed=specstory.UNNAMED if part else None)
        return specstory.opened(path, head, made, spec, project)
    raise UserError(f"{path} is not recognised. {_NOTHING} Carryover imports {forms()}.", ExitCode.NOTHING_FOUND)


def forms() -> str:
    """Describes the formats that can be imported, for people."""
    names = [agent_name(agent.id) for agent in adapters().values() if agent.exported is not None]
    chats = [spec.name for spec in specs() if spec.chat_export is not None]
    return (
        f"transcripts and exports of {', '.join(names)}, Markdown that {', '.join(chats)} exported, sessions that "
        f"{specstory.NAME} saved as Markdown, trajectories in {atif.NAME} 1.x of any tool"
    )


def _head(path: Path) -> bytes:
    try:
        if stat.S_ISDIR(path.stat().st_mode):
            raise UserError(f"{path} is a folder, and no transcript. {_NOTHING}", ExitCode.NOTHING_FOUND)
        with os.fdopen(open_regular(path), "rb") as file:
            head = file.read(HEAD_BYTES)
    except FileNotFoundError as error:
        raise UserError(f"There is no file {path}.", ExitCode.NOTHING_FOUND) from error
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}. {_NOTHING}") from error
    if not head.strip():
        raise UserError(f"{path} is empty.", ExitCode.NOTHING_FOUND)
    return head


def _spec(path: Path, named: str | None, agent_id: str | None, *, unnamed: AgentSpec | None) -> AgentSpec:
    """Returns the agent of a SpecStory document; if it names none, `unnamed`, or raises UserError if that is None."""
    known = specs()
    if agent_id is not None:
        return next(spec for spec in known if spec.id == agent_id)
    spec = specstory.spec_named(named, known) if named is not None else None
    if spec is None and unnamed is not None:
        return unnamed
    if named is None:
        raise UserError(
            f"{path} does not say which agent its session is of. {_NOTHING} Name it with --agent.", ExitCode.USAGE
        )
    if spec is None:
        raise UserError(
            f"{path} holds a session of {named!r}, an agent that Carryover does not know. {_NOTHING}",
            ExitCode.NOTHING_FOUND,
        )
    return spec


def _as_copy(agent: Agent, source: Source, project: str | None) -> Agent:
    """Returns the agent as it reads a file that no longer grows, with all sessions in `project`."""
    agent = replace(agent, reader=reader_of_copies(agent.reader))
    if project is None:
        return agent
    recorded = first_cwd(agent, source)
    former = (former_root(recorded, project) or recorded) if recorded is not None else None

    def in_project(event: Event) -> Event:
        cwd = moved(event.cwd, former, project) if event.cwd is not None and former is not None else project
        is_in_it = cwd == project or cwd.startswith(f"{project.rstrip('/')}/")
        body = _moved(event.body, former, project) if former is not None else event.body
        return msgspec.structs.replace(event, cwd=cwd if is_in_it else project, body=body)

    return with_events(agent, in_project)


def with_events(agent: Agent, changed: Callable[[Event], Event]) -> Agent:
    """Returns the agent with each event that it reads changed."""

    def parse(source: Source, context: Any, record: Record) -> tuple[Any, Parsed]:
        context, parsed = agent.parse(source, context, record)
        return context, Parsed(tuple(map(changed, parsed.events)), parsed.skipped, parsed.reemitted)

    return replace(agent, parse=parse)


def _moved(body: AnyBody, former: str, project: str) -> AnyBody:
    """Returns the body with the paths of changed files moved to the project."""
    if isinstance(body, FileEdit):
        old_path = moved(body.old_path, former, project) if body.old_path is not None else None
        return msgspec.structs.replace(body, path=moved(body.path, former, project), old_path=old_path)
    if isinstance(body, ToolCall | ToolResult) and body.op != "shell":
        return msgspec.structs.replace(body, subject=moved(body.subject, former, project))
    return body


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A text from outside, or a part of one. `at_ms`: when the user added it (UTC ms). `root`: the project's."""

    carryover_note: int = 1
    session: str
    at_ms: int
    root: str
    title: str
    text: str
    part: int = 0


class NoteContext(msgspec.Struct, frozen=True):
    """The empty context: each record of a note says all of it that matters."""


def note_id(root: str, source: str, text: str) -> str:
    """Returns the session id of a note. The same text from the same source gives the same id."""
    parts = "\0".join((root, source, text)).encode("utf-8", "surrogatepass")
    return f"{NOTE}-{hashlib.blake2b(parts, digest_size=8).hexdigest()}"


def encoded(note: Note) -> bytes:
    """Encodes a note as a document."""
    return msgspec.json.encode(note) + b"\n"


def _parse_note(_source: Source, context: Any, record: Record) -> tuple[Any, Parsed]:
    try:
        note = msgspec.json.decode(record.data, type=Note)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return context, Parsed(skipped=(Skipped(record_type=_NOTE_MARK, reason="not a note"),))
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
