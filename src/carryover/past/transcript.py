"""Makes a handoff from one transcript alone, optionally as of one of its lines; reads and stores nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Agent, Batch, FileStat, Reader, Source
from carryover.agents import adapters, agent_name, agent_names
from carryover.config import settings_or_defaults
from carryover.distill.handoff import MAX_TOKENS
from carryover.distill.render import rendered
from carryover.distill.trail import past_of
from carryover.distill.view import DISK_ROOTS, ProjectView
from carryover.errors import ExitCode, UserError, os_reason
from carryover.export.dial import Happened, dialed
from carryover.facts import Facts, FindRoot, ProjectRoot
from carryover.importing.candidate import Candidate, with_events
from carryover.importing.document import open_document
from carryover.ledger.events import main_thread
from carryover.ledger.queries import projects, sessions
from carryover.model import Event, UserPrompt
from carryover.past.context import root_of, state_dir
from carryover.past.from_disk import temporary_ledger
from carryover.publish.handoff_json import PrintedHandoff
from carryover.publish.make import distill_view, newest_first
from carryover.publish.printed import as_printed
from carryover.publish.project_view import MAX_SESSIONS, project_view
from carryover.records.fields import LATEST_MS
from carryover.text.reset_times import on_this_machine
from carryover.transcript.by_kind import reader_of_copies

_PARENT: Final = "its parent"
_PARENT_OR_USER: Final = "its parent, unless the user wrote to it"
"""Who gave a sub-agent its first prompt, and who gave later ones: for these, Codex 0.114 records the same whether its
parent or the user wrote them."""


def handoff_of_transcript(
    path: Path, agent_id: str | None, until: int | None, tokens: int | None = None
) -> PrintedHandoff:
    """Returns the handoff of the project worked on in the first `until` records of the file at `path` (None: all), for
    a budget of `tokens` (None: that of a project's file).

    The same file gives the same text everywhere: `now` is its last event's time; git and the project's files are not
    read. If it names no working folder, its own folder is the root. Raises UserError if it can't be read, or if no
    adapter recognises anything in it.
    """
    size = MAX_TOKENS if tokens is None else tokens
    agent, view, events = view_of_transcript(path, agent_id, until, size if size > MAX_TOKENS else 0)
    handoff = None
    if view is not None:
        names, now_ms = {agent.id: agent.spec.name, **agent_names()}, view.sessions[0].last_ms
        handoff = distill_view(view, Facts(clock=on_this_machine), now_ms=now_ms, resume="ask", names=names)
        if handoff is not None:
            # No path: the same file gives the same text, wherever it lies.
            handoff = msgspec.structs.replace(handoff, command="carryover handoff --transcript FILE")
            handoff = dialed(handoff, past_of(view, now_ms=now_ms, names=names), events, size)
    if handoff is None or view is None:
        raise _nothing_in(path, agent, until)
    return as_printed(view.root, handoff, *rendered(handoff))


def _nothing_in(path: Path, agent: Agent, until: int | None) -> UserError:
    return UserError(
        f"{path} holds nothing{'' if until is None else f' up to line {until}'} that can be handed over. "
        f"It was read as a transcript of {agent.spec.name}, and no record of it is a prompt, an answer or a call. "
        "--agent names another agent.",
        ExitCode.NOTHING_FOUND,
    )


def view_of_transcript(
    path: Path, agent_id: str | None, until: int | None, most_events: int = 0
) -> tuple[Agent, ProjectView | None, Sequence[Happened]]:
    """Returns the agent that wrote a file, the newest project that was worked on in its first `until` records (None: in
    all), None if no agent did anything, and its newest events, newest first.

    Raises UserError if the file can't be read.
    """
    agent, source = _document(path, agent_id)
    if until is not None:
        agent = replace(agent, reader=_ReaderUpTo(agent.reader, until))
    find_root: FindRoot = root_of
    view, has_main, events = _as_recorded(agent, source, find_root, most_events)
    nowhere = view is None
    if nowhere:
        cwd, find_root = str(Path(source.path).parent), ProjectRoot
        agent = with_events(agent, lambda event: msgspec.structs.replace(event, cwd=cwd))
        view, has_main, events = _as_recorded(agent, source, find_root, most_events)
    if not has_main:
        view, _, events = _as_recorded(_with_its_orders(agent), source, find_root, most_events)
    if view is not None and nowhere:
        view = msgspec.structs.replace(view, checkouts=DISK_ROOTS)
    return agent, view, events


def _with_its_orders(agent: Agent) -> Agent:
    """Returns the agent with a sub-agent's own file read as a main thread, whose prompts are another agent's words."""
    senders = chain((_PARENT,), repeat(_PARENT_OR_USER))

    def of_main(event: Event) -> Event:
        body = event.body
        if isinstance(body, UserPrompt) and body.actor == "model" and not (body.sender or body.scheduled):
            body = msgspec.structs.replace(body, sender=next(senders))
        return msgspec.structs.replace(event, subagent_id=None, body=body)

    return with_events(agent, of_main)


def _as_recorded(
    agent: Agent, source: Source, find_root: FindRoot, most_events: int
) -> tuple[ProjectView | None, bool, Sequence[Happened]]:
    """Returns the newest project in a source, None if no agent did anything; whether it has more than sub-agents' work;
    and its newest events, newest first."""
    # With the current time, the result for events in the future would be different tomorrow.
    with temporary_ledger([source], {agent.id: agent}, now_ms=lambda: LATEST_MS, find_root=find_root) as ledger:
        for project in projects(ledger):
            if rows := sessions(ledger, project.id, limit=MAX_SESSIONS, notes=False):
                has_main = any(main_thread(ledger, row.id) is not None for row in rows)
                view = project_view(ledger, project.id)
                return view, has_main, list(islice(newest_first(ledger, view), most_events))
    return None, True, ()


def _document(path: Path, agent_id: str | None) -> tuple[Agent, Source]:
    """Returns the file as a source, in a format that an agent recognises, or that of the agent named."""
    try:
        if path.is_dir():
            raise UserError(
                f"{path} is a folder. Name one transcript in it, or an export of the session; without --transcript, "
                "`carryover handoff PROJECT` takes what was recorded there, and --session ID one session.",
                ExitCode.NOTHING_FOUND,
            )
        if not path.is_file():
            problem = f"{path} is not a regular file." if path.exists() else f"There is no file {path}."
            raise UserError(problem, ExitCode.NOTHING_FOUND)
        path.open("rb").close()
    except OSError as error:
        raise UserError(f"{path} can't be read: {os_reason(error)}.") from error
    with suppress(UserError):
        settings, _ = settings_or_defaults(state_dir())
        document = open_document(Candidate(path.absolute(), agent_id=agent_id, declared=settings.sources))
        return document.agent, document.source
    if agent_id is None:
        raise UserError(
            f"No agent that Carryover knows wrote {path} in a form that was recognised. Name the agent with --agent.",
            ExitCode.NOTHING_FOUND,
        )
    named = adapters().get(agent_id)
    if named is None:
        raise UserError(
            f"This version of Carryover can't read transcripts of {agent_name(agent_id)} yet.", ExitCode.USAGE
        )
    return replace(named, reader=reader_of_copies(named.reader)), Source(agent=agent_id, path=str(path.absolute()))


class _ReaderUpTo:
    """Reads only the records up to the number `last`.

    reader = _ReaderUpTo(agent.reader, last=120)
    batch = reader.read(path, None)
    assert all(record.number <= 120 for record in batch.records)
    """

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
