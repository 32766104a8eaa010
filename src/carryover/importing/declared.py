"""Makes an agent of a source that the user declares in the settings (`[[sources]]`), by the fields that the user named.
It is watched, read and stored like any other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache, partial
from pathlib import Path, PurePosixPath
from typing import Final

import msgspec

from carryover.adapter.contract import Agent, FileStat, Parsed, Record, Source
from carryover.adapter.layouts import Layout
from carryover.adapter.spec import AgentSpec, Place
from carryover.agents import adapters
from carryover.declared_source import DeclaredSource, folder_of
from carryover.decoders import decoder_of
from carryover.importing.calls import call_of, outcome_in_text
from carryover.importing.candidate import texts_in
from carryover.importing.turns import TurnEvents
from carryover.model import AssistantMessage, SessionInfo, UserPrompt
from carryover.paths import expanded
from carryover.records import rawjson
from carryover.records.fields import digest
from carryover.records.lenient import Fields, fields_of, inside, is_true, items_of, moment_of, number_of, text_of
from carryover.transcript.files import read_document
from carryover.transcript.jsonl import JsonlReader
from carryover.transcript.recorder import SessionContext, reemitted_after, usable_folder, usable_name
from carryover.transcript.rewritten import Document, SnapshotReader, not_whole

HEAD: Final = -1
"""The number of the fields beside the list of a document."""
MOST_IN_HEAD: Final = 4 << 10
"""Bytes of a field beside the list that may say something about the session."""


class _Context(SessionContext, frozen=True, omit_defaults=True):
    session: str = ""
    last: bytes | None = None
    """The key of the last event, after which a document goes on."""


class _Entry(msgspec.Struct, frozen=True):
    """What the reader of a document returns: an entry of its list, numbered from 0, or first its short other fields.

    `on`: the entries follow those read before; `more`: others follow.
    """

    number: int
    record: msgspec.Raw
    on: bool = True
    more: bool = False


def all_agents(sources: Iterable[DeclaredSource], known: Mapping[str, Agent] | None = None) -> Mapping[str, Agent]:
    """Returns the agents of declared sources and those that are `known` (None: to Carryover), by id."""
    return {**(adapters() if known is None else known), **{source.agent: agent_of(source) for source in sources}}


@cache
def agent_of(source: DeclaredSource) -> Agent:
    """Returns the agent that reads a declared source."""
    layouts = tuple(map(_layout, source.files))
    places = tuple(Place(path=folder) for folder in dict.fromkeys(map(folder_of, source.files)))
    in_documents = source.format == "json"
    return Agent(
        spec=AgentSpec(id=source.agent, name=source.agent, binaries=(), folders=places, transcripts=places),
        reader=SnapshotReader(partial(_document_in, source.messages)) if in_documents else JsonlReader(),
        context_type=_Context,
        layouts=layouts,
        parse=partial(_parse, source),
    )


def _layout(pattern: str) -> Layout:
    """Returns where the files of a pattern are. The last part with a wildcard is the session's id, without a suffix."""
    folder = PurePosixPath(folder_of(pattern))
    below = PurePosixPath(pattern).relative_to(folder)
    last = max((at for at, part in enumerate(below.parts) if "*" in part), default=len(below.parts) - 1)
    parts = [re.escape(part).replace(r"\*", "[^/]*") for part in below.parts]
    stem = parts[last].rpartition(r"\.")[0]
    named = stem if stem and not below.parts[last].startswith(".") else parts[last]
    parts[last] = f"(?P<session>{named}){parts[last].removeprefix(named)}"
    return Layout(root=folder.name, globs=(str(below),), pattern="/".join(parts))


def _document_in(messages: str, path: Path, stat: FileStat) -> Document:
    """Takes the snapshot of a session that is one JSON document. Its pieces are the records in its list."""
    raw = msgspec.Raw(read_document(path).removeprefix(b"\xef\xbb\xbf").strip())
    fields = fields_of(raw)
    records = items_of(inside(raw, *messages.split(".")) if bytes(raw).startswith(b"{") else raw)
    if not records:
        raise not_whole(path, stat, "no list of messages")
    short = {name: field for name, field in fields.items() if len(bytes(field)) <= MOST_IN_HEAD}
    head = msgspec.Raw(msgspec.json.encode(short))
    return Document(
        "document",
        records,
        lambda on, more: msgspec.json.encode(_Entry(HEAD, head, on, more)),
        record=lambda number, record: msgspec.json.encode(_Entry(number, msgspec.Raw(record))),
    )


def _parse(declared: DeclaredSource, source: Source, context: _Context, record: Record) -> tuple[_Context, Parsed]:
    entry = _Entry(record.number, msgspec.Raw(record.data))
    if declared.format == "json":
        entry = decoder_of(_Entry).decode(record.data)
    if not entry.on:
        context = msgspec.structs.replace(context, calls=(), last=None, emitted=SessionInfo())
    fields = fields_of(entry.record)
    turn = _located(declared, source, context, fields, entry.number)
    if entry.number == HEAD:
        again = reemitted_after(turn.context.last, session=turn.session, more=entry.more)
        return turn.context, turn.built(again)
    if fields:
        _take(turn, declared, fields, entry.number)
    else:
        turn.skip("record", "not a JSON object")
    if turn.events:
        turn.change(last=turn.last_key)
    return turn.finish()


def _located(
    declared: DeclaredSource, source: Source, context: _Context, fields: Fields, number: int
) -> TurnEvents[_Context]:
    """Begins a turn in the session, the folder and at the time that a record, or the head of a document, names."""
    named = usable_name(text_of(_at(fields, declared.session)))
    session = named or context.session or source.session or digest(source.path)
    project = str(expanded(declared.project)) if declared.project is not None else None
    folder = project or usable_folder(text_of(_at(fields, declared.folder)))
    at_ms = moment_of(_at(fields, declared.time)) or context.last_ms
    turn = TurnEvents(context=context, prefix=f"{session}/{number}/", session=session, at_ms=at_ms)
    turn.change(session=session, cwd=folder or context.cwd, last_ms=at_ms)
    turn.learn(model=text_of(_at(fields, declared.model)))
    return turn


def _take(turn: TurnEvents[_Context], declared: DeclaredSource, fields: Fields, number: int) -> None:
    role = text_of(_at(fields, declared.role))
    speaker = declared.speakers.get(role.lower())
    calls = _calls_in(declared, fields)
    text = _said(fields, declared.text, words=speaker != "tool")
    result = text if speaker == "tool" else None  # what a tool printed, if the record holds that
    if declared.result:
        result = None if _at(fields, declared.result) == rawjson.ABSENT else _said(fields, declared.result)
    if speaker is None and not calls and result is None:
        turn.skip(f"role/{role}" if role else "record", "its role is not known" if role else "it has no role")
    elif speaker == "user" and text.strip():
        turn.add(UserPrompt(text=text), "prompt")
    elif speaker == "agent" and text.strip() and result != text:
        turn.add(AssistantMessage(text=text), "said")
    for place, call in enumerate(calls):
        name = usable_name(text_of(_at(call, declared.name)) or text_of(_at(call, declared.call))) or "?"
        call_id = usable_name(text_of(_at(call, declared.id))) or f"{number}/{place}"
        raw = _at(call, declared.input)
        given = fields_of(raw) or fields_of(text_of(raw))
        turn.begin_call(call_of(call_id, name, given, turn.context.cwd, text_of(raw)), f"call{place}")
    if result is not None:
        _end(turn, declared, fields, result)


def _end(turn: TurnEvents[_Context], declared: DeclaredSource, fields: Fields, output: str) -> None:
    """Adds the result of an open call: of the one that the record names, else of the last one."""
    named = text_of(_at(fields, declared.result_id))
    call = next((call for call in reversed(turn.open_calls) if named in ("", call.id)), None)
    if call is None:
        turn.skip("result", "its call is not known")
        return
    turn.take_call(call.id)
    outcome = outcome_in_text(call.op, output)
    exit_code = number_of(_at(fields, declared.exit_code)) if declared.exit_code else None
    if exit_code is not None:
        outcome = msgspec.structs.replace(outcome, exit_code=exit_code, status="error" if exit_code else "ok")
    if is_true(_at(fields, declared.failed)):
        outcome = msgspec.structs.replace(outcome, status="error")
    turn.end_call(call, outcome)


def _at(fields: Fields, path: str) -> msgspec.Raw:
    """Returns the field at a path; absent if there is none."""
    first, *rest = path.split(".")
    return inside(fields.get(first), *rest)


def _said(fields: Fields, path: str, *, words: bool = False) -> str:
    """Returns the text in a field. `words`: the speaker's alone."""
    return "\n".join(filter(None, texts_in(_at(fields, path), words=words)))


def _calls_in(declared: DeclaredSource, fields: Fields) -> list[Fields]:
    """Returns the calls in a record, each as an object with the fields that the user named."""
    raw = _at(fields, declared.call)
    if text_of(raw):
        return [fields]
    return [fields_of(item) for item in items_of(raw)] or [call for call in (fields_of(raw),) if call]
