"""Tries a declared source on a file: what would be read of it, and what the declaration gets wrong. Stores nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from carryover.actions.output_file import target
from carryover.config import load_config
from carryover.declared_source import DeclaredSource
from carryover.errors import ExitCode, UserError, os_reason
from carryover.importing.declared import opened
from carryover.importing.report import Report, survey
from carryover.importing.turns import Candidate
from carryover.past.context import root_of, state_dir
from carryover.readers.files import read_head
from carryover.records.lenient import fields_of, items_of, text_of
from carryover.transcript.by_kind import reader_of_copies
from carryover.transcript.files import read_head

_HEAD_BYTES: Final = 64 << 10
_FEW: Final = 12


def try_source(name: str, agent_id: str | None) -> Report:
    """Reads the file `name` as the source that is declared for it, or for `agent_id`.

    Raises UserError: NOTHING_FOUND if no source is declared for it, FAILED if it can't be read.
    """
    path, sources = target(name), load_config(state_dir().config).sources
    try:
        head = read_head(path, _HEAD_BYTES)
    except OSError as error:
        raise UserError(f"{path} can't be read: {os_reason(error)}.") from error
    document = opened(Candidate(path=path, head=head, agent_id=agent_id, declared=sources))
    if document is None:
        named = f"No [[sources]] in config.toml is called {agent_id!r}." if agent_id is not None else ""
        raise UserError(
            f"{named or f'No [[sources]] in config.toml has {path} among its `files`.'} {_fields_in(head)}",
            ExitCode.NOTHING_FOUND,
        )
    declared = next(source for source in sources if source.agent == document.agent.id)
    try:
        report = survey(document, root_of)
    except OSError as error:
        raise UserError(
            f"{path} can't be read as {declared.format}: {error.strerror or 'it is damaged'}. In a document, "
            f"`messages` must name the list of its records; it is {declared.messages!r}.",
        ) from error
    report.misdeclared = [*_misdeclared(declared, report)]
    return report


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


def _misdeclared(declared: DeclaredSource, found: Report) -> Iterator[str]:
    if not found.prompts:
        yield f"No record is a prompt: `role` is {declared.role!r}, `text` is {declared.text!r}."
    if not found.answers:
        yield f"No record is an answer: `role` is {declared.role!r}, `text` is {declared.text!r}."
    if found.events and not found.folders:
        yield (
            f"No record names its working folder: `folder` is {declared.folder!r}. "
            "Name another field, or the one project of these files with `project`."
        )
    if found.timeless:
        yield f"{found.timeless} of {found.events} events have no time: `time` is {declared.time!r}."
    if found.unnamed:
        yield f"{found.unnamed} tool calls have no name: `name` is {declared.name!r}."
    if found.calls and not found.results:
        yield f"No call has a result: `result` is {declared.result!r}, `result_id` is {declared.result_id!r}."
