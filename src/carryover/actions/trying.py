"""Tries a declared source on a file: what would be read of it, and what the declaration gets wrong. Stores nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from carryover.actions.output_file import target
from carryover.adapter.contract import Agent, Source
from carryover.config import load_config
from carryover.declared_source import DeclaredSource
from carryover.errors import ExitCode, UserError, os_reason
from carryover.importing.declared.agent import agent_of
from carryover.model import AssistantMessage, Event, FileEdit, ToolCall, ToolResult, UserPrompt
from carryover.past.context import state_dir
from carryover.readers.bounds import read_bounded
from carryover.readers.by_kind import reader_of_copies
from carryover.readers.files import read_head
from carryover.records.lenient import fields_of, items_of, text_of

_HEAD_BYTES: Final = 64 << 10
_FEW: Final = 12


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What a declared source reads in a file. Times are UTC ms."""

    file: str
    agent: str
    sessions: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    prompts: int = 0
    answers: int = 0
    calls: dict[str, int] = {}
    """Numbers of tool calls by operation."""
    results: int = 0
    edits: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    first_prompt: str = ""
    last_answer: str = ""
    skipped: dict[str, int] = {}
    """Numbers of records that were not understood, by what is wrong with them."""
    problems: tuple[str, ...] = ()
    """What keeps the file from being recorded as it should be, as sentences."""


def try_source(name: str, agent_id: str | None) -> Tried:
    """Reads the file `name` as the source that is declared for it, or for `agent_id`.

    Raises UserError: NOTHING_FOUND if no source is declared for it, FAILED if it can't be read.
    """
    state = state_dir()
    path = target(name)
    try:
        head = read_head(path, _HEAD_BYTES)
    except OSError as error:
        raise UserError(f"{path} can't be read: {os_reason(error)}.") from error
    declared, source = _declared_for(path, load_config(state.config).sources, agent_id, head)
    agent = agent_of(declared)
    try:
        events, skipped, without_time = _events(agent, source)
    except OSError as error:
        raise UserError(
            f"{path} can't be read as {declared.format}: {error.strerror or 'it is damaged'}. In a document, "
            f"`messages` must name the list of its records; it is {declared.messages!r}.",
        ) from error
    return _tried(declared, str(path), events, skipped, without_time=without_time)


def _declared_for(
    path: Path, declared: Iterable[DeclaredSource], agent_id: str | None, head: bytes
) -> tuple[DeclaredSource, Source]:
    for source in declared:
        if agent_id is not None and source.agent != agent_id:
            continue
        file = _source_at(agent_of(source), path)
        if file is not None or agent_id is not None:
            return source, file or Source(agent=source.agent, path=str(path), session=path.stem)
    named = f"No [[sources]] in config.toml is called {agent_id!r}." if agent_id is not None else ""
    raise UserError(
        f"{named or f'No [[sources]] in config.toml has {path} among its `files`.'} {_fields_in(head)}",
        ExitCode.NOTHING_FOUND,
    )


def _source_at(agent: Agent, path: Path) -> Source | None:
    roots = (place.at(Path.home(), {}) for place in agent.spec.transcripts)
    return next(filter(None, (agent.source_of(path, root) for root in roots)), None)


def _fields_in(head: bytes) -> str:
    """Returns a sentence on the fields of a file's first record, from which a declaration can be written."""
    data = head.removeprefix(b"\xef\xbb\xbf").strip()
    first = data.splitlines()[0] if data else b""
    fields = fields_of(first) or fields_of(next(iter(items_of(msgspec.Raw(data))), None))
    if not fields:
        return "Its first line is no JSON object."
    shown = [f"{name} ({_kind(raw)})" for name, raw in fields.items()][:_FEW]
    return f"Its first record has the fields {', '.join(shown)}."


def _kind(raw: msgspec.Raw) -> str:
    if items_of(raw):
        return "list"
    if fields_of(raw):
        return f"object with {', '.join(list(fields_of(raw))[:_FEW])}"
    return "text" if text_of(raw) else "other"


def _events(agent: Agent, source: Source) -> tuple[list[Event], Counter[str], int]:
    """Returns the events of a file, why records were not understood, and how many events have no time."""
    reader = reader_of_copies(agent.reader)
    context = agent.context_type()
    events: list[Event] = []
    skipped = Counter[str]()
    cursor = None
    more = True
    while more:
        batch = read_bounded(reader, Path(source.path), cursor)
        for record in batch.records:
            context, parsed = agent.parse(source, context, record)
            events += parsed.events
            skipped.update(f"{record.record_type}: {record.reason}" for record in parsed.skipped)
        if batch.oversized:
            skipped["record: it is too long to be read"] += batch.oversized
        more = batch.more and batch.cursor != cursor
        cursor = batch.cursor
    return events, skipped, sum(event.at_ms <= 0 for event in events)


def _tried(
    declared: DeclaredSource, path: str, events: list[Event], skipped: Counter[str], *, without_time: int
) -> Tried:
    prompts = [event.body.text for event in events if isinstance(event.body, UserPrompt)]
    answers = [event.body.text for event in events if isinstance(event.body, AssistantMessage)]
    calls = Counter[str](event.body.op for event in events if isinstance(event.body, ToolCall))
    times = [event.at_ms for event in events if event.at_ms > 0]
    tried = Tried(
        file=path,
        agent=declared.agent,
        sessions=tuple(dict.fromkeys(event.session for event in events)),
        folders=tuple(dict.fromkeys(event.cwd for event in events if event.cwd is not None)),
        prompts=len(prompts),
        answers=len(answers),
        calls=dict(calls),
        results=sum(isinstance(event.body, ToolResult) for event in events),
        edits=sum(isinstance(event.body, FileEdit) for event in events),
        first_ms=min(times, default=None),
        last_ms=max(times, default=None),
        first_prompt=prompts[0] if prompts else "",
        last_answer=answers[-1] if answers else "",
        skipped=dict(skipped),
    )
    problems = _problems(declared, tried, events, without_time)
    return msgspec.structs.replace(tried, problems=tuple(problems))


def _problems(declared: DeclaredSource, tried: Tried, events: list[Event], without_time: int) -> Iterator[str]:
    if not tried.prompts:
        yield f"No record is a prompt: `role` is {declared.role!r}, `text` is {declared.text!r}."
    if not tried.answers:
        yield f"No record is an answer: `role` is {declared.role!r}, `text` is {declared.text!r}."
    if events and not tried.folders:
        yield (
            f"No record names its working folder: `folder` is {declared.folder!r}. "
            "Name another field, or the one project of these files with `project`."
        )
    if without_time:
        yield f"{without_time} of {len(events)} events have no time: `time` is {declared.time!r}."
    unnamed = sum(isinstance(event.body, ToolCall) and event.body.name == "?" for event in events)
    if unnamed:
        yield f"{unnamed} tool calls have no name: `name` is {declared.name!r}."
    if tried.calls and not tried.results:
        yield f"No call has a result: `result` is {declared.result!r}, `result_id` is {declared.result_id!r}."
