"""Tries a declared source on a file: what would be read of it, and what the declaration gets wrong. Stores nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec

from carryover.actions.output_file import target
from carryover.adapter.contract import Agent, Source
from carryover.config import load_config
from carryover.declared_source import DeclaredSource
from carryover.errors import ExitCode, UserError, os_reason
from carryover.importing.declared import agent_of
from carryover.importing.document import Survey, survey
from carryover.importing.turns import Document
from carryover.past.context import state_dir
from carryover.records.lenient import fields_of, items_of, text_of
from carryover.transcript.by_kind import reader_of_copies
from carryover.transcript.files import read_head

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
        found = survey(Document(replace(agent, reader=reader_of_copies(agent.reader)), source, declared.agent))
    except OSError as error:
        raise UserError(
            f"{path} can't be read as {declared.format}: {error.strerror or 'it is damaged'}. In a document, "
            f"`messages` must name the list of its records; it is {declared.messages!r}.",
        ) from error
    return Tried(
        file=str(path),
        agent=declared.agent,
        sessions=tuple(found.folders),
        folders=tuple(found.all_folders),
        prompts=found.bodies["UserPrompt"],
        answers=found.bodies["AssistantMessage"],
        calls=found.calls,
        results=found.bodies["ToolResult"],
        edits=found.bodies["FileEdit"],
        first_ms=found.first_ms or None,
        last_ms=found.last_ms or None,
        first_prompt=found.first_prompt,
        last_answer=found.last_answer,
        skipped=found.reasons,
        problems=tuple(_problems(declared, found)),
    )


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


def _problems(declared: DeclaredSource, found: Survey) -> Iterator[str]:
    if not found.bodies["UserPrompt"]:
        yield f"No record is a prompt: `role` is {declared.role!r}, `text` is {declared.text!r}."
    if not found.bodies["AssistantMessage"]:
        yield f"No record is an answer: `role` is {declared.role!r}, `text` is {declared.text!r}."
    if found.events and not found.all_folders:
        yield (
            f"No record names its working folder: `folder` is {declared.folder!r}. "
            "Name another field, or the one project of these files with `project`."
        )
    if found.timeless:
        yield f"{found.timeless} of {found.events} events have no time: `time` is {declared.time!r}."
    if found.unnamed:
        yield f"{found.unnamed} tool calls have no name: `name` is {declared.name!r}."
    if found.calls and not found.bodies["ToolResult"]:
        yield f"No call has a result: `result` is {declared.result!r}, `result_id` is {declared.result_id!r}."
