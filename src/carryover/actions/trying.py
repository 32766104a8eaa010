"""Tries a declared source on a file: what would be read of it, and what the declaration gets wrong. Stores nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from carryover.actions.output_file import target
from carryover.config import load_config
from carryover.declared_source import DeclaredSource
from carryover.errors import ExitCode, UserError
from carryover.importing.candidate import Candidate
from carryover.importing.declared import opened
from carryover.importing.report import Report, survey
from carryover.past.context import root_of, state_dir
from carryover.records.lenient import fields_of, items_of

_MOST_FIELDS: Final = 24


def try_source(name: str, agent_id: str | None) -> Report:
    """Reads the file `name` as the source that is declared for it, or for `agent_id`.

    Raises UserError: NOTHING_FOUND if no source is declared for it, FAILED if it can't be read.
    """
    sources = load_config(state_dir().config).sources
    file = Candidate(path=target(name), agent_id=agent_id, declared=sources)
    document = opened(file)
    if document is None:
        named = f"No [[sources]] in config.toml is called {agent_id!r}." if agent_id is not None else ""
        raise UserError(
            f"{named or f'No [[sources]] in config.toml has {file.path} among its `files`.'} {_fields_in(file.head)}",
            ExitCode.NOTHING_FOUND,
        )
    declared = next(source for source in sources if source.agent == document.agent.id)
    try:
        report = survey(document, root_of)
    except OSError as error:
        listed = f" `messages` must name the list of its records; it is {declared.messages!r}."
        raise UserError(
            f"{file.path} can't be read as {declared.format}: {error.strerror or 'it is damaged'}."
            f"{listed if declared.format == 'json' else ''}"
        ) from error
    report.misdeclared = [*_misdeclared(declared, report)]
    return report


def _fields_in(head: bytes) -> str:
    """Returns a sentence on the fields of a file's first record, as a declaration names them."""
    data = head.removeprefix(b"\xef\xbb\xbf").strip()
    fields = fields_of(data.split(b"\n")[0]) or fields_of(next(iter(items_of(msgspec.Raw(data))), None))
    if not fields:
        return "Its first line is no JSON object."
    paths = [".".join(filter(None, (name, inner))) for name, raw in fields.items() for inner in fields_of(raw) or ("",)]
    return f"Its first record has the fields {', '.join(paths[:_MOST_FIELDS])}."


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
