"""A handoff from one transcript alone, as it would have been at one of its lines: nothing else is read or kept."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import msgspec

from carryover.adapter.contract import Agent, Batch, FileStat, Reader, Source
from carryover.agents import adapters, agent_names
from carryover.cli.from_disk import temporary_ledger
from carryover.cli.handoff_json import MadeHandoff
from carryover.distill.handoff import distill
from carryover.distill.render import render
from carryover.errors import ExitCode, UserError
from carryover.importing.document import open_document
from carryover.ledger.batch import LATEST_MS
from carryover.ledger.queries import projects, sessions
from carryover.publish.project_view import project_view, session_digest


def handoff_of_transcript(path: Path, agent_id: str | None, until: int | None) -> MadeHandoff:
    """The handoff of the project that was worked on, from the first `until` records of the file at `path` (None: all).

    The same file gives the same text on every machine and at any time: `now` is the time of its last event, and neither
    git nor the project's files are asked. Raises UserError where the file gives none.
    """
    agent, source = _document(path, agent_id)
    readers = {agent.id: agent if until is None else replace(agent, reader=_ReaderUpTo(agent.reader, until))}
    with temporary_ledger([source], readers, now_ms=lambda: LATEST_MS) as ledger:  # else it would depend on now
        project = next(iter(projects(ledger)), None)
        known = [] if project is not None else sessions(ledger, limit=1)
        names_no_folder = any(session_digest(ledger, session).turns for session in known)
        view = project_view(ledger, project.id) if project is not None else None
    handoff = None
    if view is not None:
        handoff = distill(view, None, {}, resume="ask", now_ms=view.sessions[0].last_ms, agent_names=agent_names())
    if names_no_folder:
        raise UserError(
            f"{path} names no folder that was worked in, so it belongs to no project. "
            "`carryover import --project DIR` takes it into one.",
            ExitCode.NOTHING_FOUND,
        )
    if handoff is None or view is None:
        raise UserError(
            f"{path} holds no task to hand over{'' if until is None else f' up to line {until}'}. "
            f"It was read as a transcript of {agent_names()[agent.id]}; --agent names another agent.",
            ExitCode.NOTHING_FOUND,
        )
    return MadeHandoff(root=view.root, handoff=handoff, text=render(handoff))


def _document(path: Path, agent_id: str | None) -> tuple[Agent, Source]:
    """The file as a source: in a form that an agent recognises, else in that of which its adapter understands most."""
    with suppress(UserError):
        document = open_document(path.absolute(), agent_id=agent_id)
        return document.agent, document.source
    agent = _agent_for(path, agent_id)
    return agent, Source(agent=agent.id, path=str(path.absolute()))


def _agent_for(path: Path, agent_id: str | None) -> Agent:
    known = adapters()
    if not path.is_file():
        raise UserError(f"There is no file {path}.", ExitCode.NOTHING_FOUND)
    if agent_id is not None:
        if agent_id not in known:
            raise UserError(
                f"This version of Carryover can't read transcripts of {agent_names()[agent_id]} yet.", ExitCode.USAGE
            )
        return known[agent_id]
    understood = {agent.id: _events_in_first_batch(agent, path) for agent in known.values()}
    best = max(understood, key=lambda name: understood[name], default=None)
    if best is None or understood[best] == 0:
        raise UserError(
            f"No agent that Carryover knows wrote {path} in a form that was recognised. Name the agent with --agent.",
            ExitCode.NOTHING_FOUND,
        )
    return known[best]


def _events_in_first_batch(agent: Agent, path: Path) -> int:
    """How many events the agent's adapter finds at the beginning of the file: of another's file it finds none."""
    try:
        batch = agent.reader.read(path, None)
    except (OSError, ValueError):  # ValueError: not this reader's kind of file at all
        return 0
    context = agent.context_type()
    source = Source(agent=agent.id, path=str(path))
    events = 0
    for record in batch.records:
        context, folded = agent.parse(source, context, record)
        events += len(folded.events)
    return events


class _ReaderUpTo:
    """A reader whose sources end after record number `last`."""

    def __init__(self, reader: Reader, last: int) -> None:
        self._reader = reader
        self._last = last

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        batch = self._reader.read(path, cursor)
        records = tuple(record for record in batch.records if record.number <= self._last)
        ended = len(records) < len(batch.records)
        return msgspec.structs.replace(batch, records=records, more=batch.more and not ended)

    def stat(self, path: Path) -> FileStat:
        return self._reader.stat(path)
