"""Recognises the format of a user's file, a transcript or what a tool made of one, and reads it as a whole. Also
separates what several documents hold of one session: SpecStory saves a session again under another name after an
update, with other times and turns, or in parts that each number their turns from 1."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any, Final, get_args

import msgspec

from carryover.adapter.contract import Agent, Parsed, Record, Source
from carryover.agents import adapters, agent_name
from carryover.errors import ExitCode, UserError
from carryover.facts import FindRoot
from carryover.importing import chats, notes, specstory
from carryover.importing.candidate import NOTHING, Candidate, OpenedDocument, read_whole, with_events
from carryover.importing.declared import agent_of
from carryover.importing.turns import former_root, into_folder
from carryover.ingest.pipeline import IngestResult, ingest, retry_if_silent
from carryover.ingest.scan import first_cwd
from carryover.ledger.batch import event_key
from carryover.ledger.connect import reading
from carryover.ledger.events import stored_under
from carryover.ledger.queries import contexts_of, project_of_session, session_of
from carryover.ledger.store import Ledger
from carryover.model import AnyBody, Event, Op, Retracted, UserPrompt, with_paths
from carryover.probe.looks import SILENT
from carryover.records.lenient import fields_of, text_of
from carryover.redact import clean
from carryover.transcript.by_kind import reader_of_copies


def open_document(file: Candidate) -> OpenedDocument:
    """Opens a document. Blocking. Raises UserError if it is not a file, or its format is not recognised."""
    if not file.head.strip():
        raise UserError(f"{file.path} is empty. {NOTHING}", ExitCode.NOTHING_FOUND)
    found = next(filter(None, (form(file) for form in _FORMATS)), None)
    if found is None:
        what = f"{file.path} is not recognised. {NOTHING} Carryover imports {forms()}."
        raise UserError(what, ExitCode.NOTHING_FOUND)
    found = replace(found, agent=replace(found.agent, reader=reader_of_copies(found.agent.reader)))
    return _in_project(found, file.project) if file.project is not None else found


_COMPARED_CHARS: Final = 200
_MINUTE_MS: Final = 60_000


def _of_agent(file: Candidate) -> OpenedDocument | None:
    """Returns a transcript, copied or in its place, or what a client exported, as a document of the agent that
    recognises it; any file as one of the declared source that the user names."""
    declared = [agent_of(source) for source in file.declared]
    for agent in (*declared, *adapters().values()):
        if file.agent_id not in (None, agent.id):
            continue
        source = agent.exported(file.path, file.head) if agent.exported is not None else _in_place(agent, file.path)
        if source is None and file.agent_id is not None and agent in declared:
            source = Source(agent=agent.id, path=str(file.path), session=file.path.stem)
        if source is not None:
            return OpenedDocument(agent, source, agent_name(agent.id))
    return None


def _in_place(agent: Agent, path: Path) -> Source | None:
    found = (
        agent.source_of(path, root) for root in agent.spec.roots(Path.home(), os.environ) if path.is_relative_to(root)
    )
    return next(filter(None, found), None)


_FORMATS: Final[tuple[Callable[[Candidate], OpenedDocument | None], ...]] = (
    notes.recognised,
    _of_agent,
    specstory.recognised,
    chats.recognised,
)
"""The formats, each by its mark: those that are certain before those that other text may contain."""


_WITH_PATHS: Final = frozenset(get_args(Op)) - {"shell"}


def forms() -> str:
    """Describes the formats that can be imported, for people."""
    names = [agent_name(agent.id) for agent in adapters().values() if agent.exported is not None]
    return (
        f"transcripts and exports of {', '.join(names)}, sessions that {specstory.SPECSTORY} saved as Markdown, "
        f"{chats.FORMS}"
    )


def _in_project(found: OpenedDocument, project: str) -> OpenedDocument:
    """Returns a document with all sessions in `project`, and the files that were below its former place there too."""
    recorded = first_cwd(found.agent, found.source)
    former = (former_root(recorded, project) or recorded) if recorded is not None else None

    def in_project(event: Event) -> Event:
        if former is None:
            return msgspec.structs.replace(event, cwd=project)
        cwd = into_folder(event.cwd, former, project) if event.cwd is not None else project
        body = with_paths(event.body, lambda path: into_folder(path, former, project), _WITH_PATHS)
        is_in_it = cwd == project or cwd.startswith(f"{project.rstrip('/')}/")
        return msgspec.structs.replace(event, cwd=cwd if is_in_it else project, body=body)

    return replace(found, agent=with_events(found.agent, in_project))


def _beside_own(agent: Agent, ledger: Path) -> Agent:
    """Returns an agent that takes nothing back in a session that the agent's own folder has, or had, but by the keys of
    events: neither since a time, which a file from elsewhere names itself (Gemini CLI 0.61), or a file beside it does
    (Codex 0.171), nor by what an older copy of a database does not have yet. Its own transcripts say what was taken
    back there."""

    @cache
    def own() -> frozenset[str | None]:
        with reading(ledger) as db:
            found = ((_in_place(agent, Path(path)), context) for path, context in contexts_of(db, agent.id))
            return frozenset(_session_of(source, context) for source, context in found if source is not None)

    @cache  # from before the import
    def is_own(session: str) -> bool:
        if session in own() or None not in own():
            return session in own()
        with reading(ledger) as db:  # which of them a database there has is not known
            return project_of_session(db, agent.id, session) is not None

    def is_kept(event: Event) -> bool:
        since_a_time = isinstance(event.body, Retracted) and event.body.since_ms is not None
        return not (since_a_time and is_own(event.session))

    def parse(source: Source, context: Any, record: Record) -> tuple[Any, Parsed]:
        context, parsed = agent.parse(source, context, record)
        again = parsed.reemitted
        again = again if again is not None and not is_own(again.session) else None
        return context, msgspec.structs.replace(parsed, events=(*filter(is_kept, parsed.events),), reemitted=again)

    return replace(agent, parse=parse)


def _session_of(source: Source, context: bytes) -> str | None:
    """Returns the session of a source, by its name or else by what was read of it; None if it may have several."""
    return source.session or text_of(fields_of(context).get("session")) or None


async def take_in(
    ledger: Ledger,
    document: OpenedDocument,
    *,
    again: bool,
    root_of: FindRoot,
    now_ms: Callable[[], int],
) -> IngestResult:
    """Reads the whole document from its beginning, even what was read before: it may have been forgotten since.

    With `again`, it also reads forgotten events. A disk that does not answer is an error of the source. Raises as
    `ingest` does.
    """
    await ledger.give_up_position(document.source)
    source = msgspec.structs.replace(document.source, forgotten_too=again)
    is_saved = document.form == specstory.SPECSTORY
    agent = await asyncio.to_thread(_agent_of_part, document, ledger.path) if is_saved else document.agent
    agent = _beside_own(agent, ledger.path) if _in_place(agent, Path(source.path)) is None else agent
    result = await retry_if_silent(partial(ingest, ledger, agent, source, root_of=root_of, now_ms=now_ms))
    return msgspec.structs.replace(result, error=SILENT) if result.silent else result


def _agent_of_part(document: OpenedDocument, ledger: Path) -> Agent:
    """Returns the agent that reads the document. If another document of the session was read first, this agent leaves
    out the turns that one had, and gives its events keys of their own. Blocking. Raises OSError."""
    agent = document.agent
    events = [event for _, found in read_whole(document) for parsed in found for event in parsed.events]
    prompts = [event for event in events if isinstance(event.body, UserPrompt) and event.subagent_id is None]
    if not prompts:
        return agent
    mark = f"@{prompts[0].at_ms}"
    with reading(ledger) as db:
        session = session_of(db, agent.spec.id, prompts[0].session)
        stored = {event.key: stored_under(db, event_key(agent.spec.id, event.key)) for event in events}
        marked = ((event.at_ms, event_key(agent.spec.id, event.key + mark)) for event in events)
        own_ms = [at_ms for at_ms, key in marked if stored_under(db, key) is not None]
    # The first prompts may be forgotten, or may have been none to an older version.
    earlier = next(((prompt, *one) for prompt in prompts if (one := stored[prompt.key]) is not None), None)
    if session is None or (earlier is None and not own_ms):
        return agent
    known_ms = 0
    if earlier is not None:
        first, stored_ms, _ = earlier
        is_near = abs(stored_ms - first.at_ms) < _MINUTE_MS
        # In one document, too, times can differ: those that lay in the future were corrected. And an older version
        # took the parts of a session for one document. Two parts may begin with the same words.
        is_same = all(_words(one[1]) == _words(prompt.body) for prompt in prompts if (one := stored[prompt.key]))
        is_same = is_same or any(one[0] == event.at_ms for event in events if (one := stored[event.key]) is not None)
        if stored_ms == first.at_ms or (not is_near and not own_ms and is_same):
            return agent
        # The same turns once more, perhaps with times to the minute; or else the next part of the session.
        known_ms = min(own_ms, default=session.last_ms + _MINUTE_MS) if is_near else 0

    def own(event: Event) -> Event | None:
        return msgspec.structs.replace(event, key=event.key + mark) if event.at_ms >= known_ms else None

    return with_events(agent, own)


def _words(body: AnyBody | None) -> str:
    return clean(body.text)[:_COMPARED_CHARS].strip() if isinstance(body, UserPrompt) else ""
