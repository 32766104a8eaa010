"""Recognises the format of a user's file, a transcript or what a tool made of one, and reads it as a whole."""

from __future__ import annotations

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import msgspec

from carryover import model
from carryover.adapter.contract import Agent, Parsed, Record, Source
from carryover.adapter.spec import AgentSpec
from carryover.agents import adapters, agent_name, specs
from carryover.declared_source import DeclaredSource
from carryover.errors import ExitCode, UserError
from carryover.facts import FindRoot
from carryover.fsio import open_regular
from carryover.importing import atif, chats, recognition, specstory, turns
from carryover.importing.declared import agent_of
from carryover.importing.turns import Document, former_root, moved
from carryover.ingest.pipeline import IngestResult, ingest
from carryover.ingest.scan import first_cwd
from carryover.ledger.store import Ledger
from carryover.model import NOTE, AnyBody, Event, UserPrompt
from carryover.transcript.bounds import read_bounded
from carryover.transcript.by_kind import reader_of_copies
from carryover.transcript.jsonl import JsonlReader
from carryover.transcript.recorder import SessionContext

HEAD_BYTES: Final = 64 << 10
_NOTHING: Final = "Nothing was imported from it."
_NOTE_MARK: Final = "carryover_note"
_NOTE_HEAD: Final = f'{{"{_NOTE_MARK}":1,'.encode()
_NOTE_SPEC: Final = AgentSpec(id=NOTE, name="Note", binaries=(), folders=())


def open_document(
    path: Path,
    *,
    project: str | None = None,
    agent_id: str | None = None,
    part: bool = False,
    any_chat: bool = True,
    own_folder: Path | None = None,
    declared: Iterable[DeclaredSource] = (),
) -> Document:
    """Opens the document at `path`. Blocking. Raises UserError if it is not a file, or its format is not recognised.

    `project` is the folder that all its sessions belong to, whatever the document says, and `agent_id` the agent, if
    the document does not name it. With `part`, the first lines, which name the agent, may be missing. With `any_chat`,
    roles alone (`user:`) are enough to recognise a chat. `own_folder` is Carryover's own: only a note inside it is
    accepted, since a note names its project itself. A name among the `declared` sources has the file read as that one.
    """
    head = _head(path)
    if head.startswith(_NOTE_HEAD) and own_folder is not None and path.resolve().is_relative_to(own_folder.resolve()):
        return turns.document(_NOTE_SPEC, JsonlReader(copied=True), SessionContext, _parse_note, path, "a note", rank=0)
    named = next((each for each in declared if each.agent == agent_id), None)
    if named is not None:
        file = Source(agent=named.agent, path=str(path), session=path.stem)
        return _as_copy(Document(agent_of(named), file, named.agent), project)
    if atif.is_trajectory(head):
        return _as_copy(atif.opened(path, agent_id), project)
    made = specstory.read_head(head)
    if (chat := chats.exported(path, head, project)) is not None:
        return chat
    if made is None:
        for agent in adapters().values():
            source = agent.exported(path, head) if agent.exported is not None else None
            if source is not None and agent_id in (None, agent.id):
                return _as_copy(Document(agent, source, agent_name(agent.id)), project)
    if made is None and (part or any_chat) and specstory.holds_turns(head):
        made = specstory.Made(None, None)
    if made is not None:
        spec = _spec(path, made.agent, agent_id, unnamed=specstory.UNNAMED if part else None)
        return specstory.opened(path, head, made, spec, project)
    if any_chat and (plain := chats.opened(path, head, agent_id)) is not None:
        return _as_copy(plain, project)
    # Of the files in a folder, most are no transcripts.
    what = f"{recognition.described(path)} " if any_chat and not part else ""
    raise UserError(f"{path} is not recognised. {_NOTHING} {what}Carryover imports {forms()}.", ExitCode.NOTHING_FOUND)


def forms() -> str:
    """Describes the formats that can be imported, for people."""
    names = [agent_name(agent.id) for agent in adapters().values() if agent.exported is not None]
    exporting = [spec.name for spec in specs() if spec.chat_export is not None]
    return (
        f"transcripts and exports of {', '.join(names)}, Markdown that {', '.join(exporting)} exported, sessions that "
        f"{specstory.NAME} saved as Markdown, trajectories in {atif.NAME} 1.x of any tool, {chats.FORMS}"
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
    if agent_id is not None:
        return next(spec for spec in specs() if spec.id == agent_id)
    spec = specstory.spec_named(named, specs()) if named is not None else None
    if (found := spec or unnamed) is not None:
        return found
    if named is None:
        raise UserError(
            f"{path} does not say which agent its session is of. {_NOTHING} Name it with --agent.", ExitCode.USAGE
        )
    raise UserError(
        f"{path} holds a session of {named!r}, an agent that Carryover does not know. {_NOTHING}",
        ExitCode.NOTHING_FOUND,
    )


def _as_copy(found: Document, project: str | None) -> Document:
    """Returns a document as that of a file that no longer grows, with all sessions in `project`."""
    found = replace(found, agent=replace(found.agent, reader=reader_of_copies(found.agent.reader)))
    if project is None:
        return found
    recorded = first_cwd(found.agent, found.source)
    former = (former_root(recorded, project) or recorded) if recorded is not None else None

    def in_project(event: Event) -> Event:
        if former is None:
            return msgspec.structs.replace(event, cwd=project)
        cwd = moved(event.cwd, former, project) if event.cwd is not None else project
        body = event.body
        is_in_it = cwd == project or cwd.startswith(f"{project.rstrip('/')}/")
        if isinstance(body, model.FileEdit):
            old_path = moved(body.old_path, former, project) if body.old_path is not None else None
            body = msgspec.structs.replace(body, path=moved(body.path, former, project), old_path=old_path)
        elif isinstance(body, model.ToolCall | model.ToolResult) and body.op != "shell":
            body = msgspec.structs.replace(body, subject=moved(body.subject, former, project))
        return msgspec.structs.replace(event, cwd=cwd if is_in_it else project, body=body)

    return replace(found, agent=with_events(found.agent, in_project))


def with_events(agent: Agent, changed: Callable[[Event], Event]) -> Agent:
    """Returns the agent with each event that it reads changed."""

    def parse(source: Source, context: Any, record: Record) -> tuple[Any, Parsed]:
        context, parsed = agent.parse(source, context, record)
        return context, Parsed(tuple(map(changed, parsed.events)), parsed.skipped, parsed.reemitted)

    return replace(agent, parse=parse)


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A text from outside, or a part of one. `at_ms`: when the user added it (UTC ms). `root`: of the project."""

    carryover_note: int = 1
    session: str
    at_ms: int
    root: str
    title: str
    text: str
    part: int = 0
    pin: model.PinChange | None = None
    """What the user says of the text; None if it is not the user's own."""


def note_id(root: str, source: str, text: str) -> str:
    """Returns the session id of a note. The same text from the same source gives the same id."""
    return f"{NOTE}-{_digest_of(root, source, text)}"


def pin_id(root: str, text: str) -> str:
    """Returns the session id of what the user pinned. The same text gives the same id."""
    return f"{model.PIN}{_digest_of(root, text)}"


def _digest_of(*parts: str) -> str:
    content = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def encoded(note: Note) -> bytes:
    """Encodes a note as a document."""
    return msgspec.json.encode(note) + b"\n"


def _parse_note(_source: Source, context: Any, record: Record) -> tuple[Any, Parsed]:
    try:
        note = msgspec.json.decode(record.data, type=Note)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return context, Parsed(skipped=(model.Skipped(record_type=_NOTE_MARK, reason="not a note"),))
    said: AnyBody = model.AssistantMessage(text=note.text, final=True)
    if note.pin is not None:
        said = model.UserPrompt(text=note.text, command=note.pin)
    bodies = (model.SessionInfo(title=note.title), said)
    events = (
        Event(key=f"{note.session}:{note.at_ms}:{at}", session=note.session, at_ms=note.at_ms, body=body, cwd=note.root)
        for at, body in enumerate(bodies, 2 * note.part)
    )
    return context, Parsed(tuple(events))


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """The result of an import."""

    new_events: int = 0
    forgotten: int = 0
    """Number of events left out because the user had them forgotten."""
    problem: str | None = None
    """Why it was not read to the end, as a sentence; what was read before the problem is kept."""


async def take_in(
    ledger: Ledger,
    document: Document,
    *,
    again: bool,
    root_of: FindRoot,
    now_ms: Callable[[], int],
) -> IngestResult:
    """Reads the whole document from its beginning, even what was read before: it may have been forgotten since.

    With `again`, it also reads forgotten events. Raises as `ingest` does.
    """
    await ledger.give_up_position(document.source)
    source = msgspec.structs.replace(document.source, forgotten_too=again)
    return await ingest(ledger, document.agent, source, root_of=root_of, now_ms=now_ms)


class Survey(msgspec.Struct, kw_only=True):
    """A summary of a document. Times are UTC ms, 0 if it has none."""

    folders: dict[str, str | None]
    """The first working folder of each session, by session id; None if the document names none."""
    all_folders: dict[str, None]
    """All working folders, in the order in which they are named."""
    bodies: Counter[str]
    """Numbers of events by kind."""
    calls: Counter[str]
    """Numbers of tool calls by operation."""
    reasons: Counter[str]
    """Numbers of records that were not understood or too long, by what is wrong with them."""
    prompts: int = 0
    """Those that people typed."""
    events: int = 0
    first_ms: int = 0
    last_ms: int = 0
    first_prompt: str = ""
    last_answer: str = ""
    timeless: int = 0
    unnamed: int = 0
    """Number of calls of which no tool is known."""
    skipped: int = 0
    oversized: int = 0
    torn: bool = False
    """Whether the last line is incomplete."""

    def add(self, event: Event) -> None:
        """Counts an event."""
        body = event.body
        self.events += 1
        self.bodies[type(body).__name__] += 1
        if self.folders.get(event.session) is None:
            self.folders[event.session] = event.cwd
        if event.cwd is not None:
            self.all_folders[event.cwd] = None
        self.timeless += event.at_ms <= 0
        if event.at_ms > 0:
            self.first_ms = min(self.first_ms or event.at_ms, event.at_ms)
            self.last_ms = max(self.last_ms, event.at_ms)
        match body:
            case UserPrompt():
                self.first_prompt = self.first_prompt if self.bodies["UserPrompt"] > 1 else body.text
                self.prompts += body.actor == "human"
            case model.AssistantMessage():
                self.last_answer = body.text
            case model.ToolCall():
                self.calls[body.op] += 1
                self.unnamed += body.name == "?"


def survey(document: Document) -> Survey:
    """Reads the whole document. Blocking. Raises OSError if it can't be read."""
    agent = document.agent
    path = Path(document.source.path)
    context = agent.context_type()
    cursor = None
    more = True
    found = Survey(folders={}, all_folders={}, bodies=Counter(), calls=Counter(), reasons=Counter())
    while more:
        batch = read_bounded(agent.reader, path, cursor)
        for record in batch.records:
            context, parsed = agent.parse(document.source, context, record)
            found.skipped += len(parsed.skipped)
            found.reasons.update(f"{skipped.record_type}: {skipped.reason}" for skipped in parsed.skipped)
            for event in parsed.events:
                found.add(event)
        if batch.oversized:
            found.oversized += batch.oversized
            found.reasons["record: it is too long to be read"] += batch.oversized
        more = batch.more and batch.cursor != cursor
        cursor = batch.cursor
    if isinstance(agent.reader, JsonlReader):
        found.torn = agent.reader.resumes_at(batch.cursor) < agent.reader.stat(path).size
    return found
