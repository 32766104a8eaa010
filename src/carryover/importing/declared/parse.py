"""Turns the records of a declared source into events, by the fields that the user named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from carryover.adapter.contract import Parsed, Record, Source
from carryover.adapter.event_builder import (
    EventBuilder,
    OpenCall,
    SessionContext,
    closed,
    opened,
    reemitted_after,
    usable_folder,
    usable_name,
)
from carryover.declared_source import DeclaredSource, Speaker
from carryover.importing.specstory_tools import outcome_in_text
from carryover.importing.tool_calls import file_changes, operation_and_subject
from carryover.model import AnyBody, AssistantMessage, UserPrompt
from carryover.paths import expanded
from carryover.records import rawjson
from carryover.records.changes import as_edit
from carryover.records.fields import SUBJECT_CHARS, bounded, digest
from carryover.records.lenient import Fields, fields_of, inside, is_true, items_of, number_of, text_of, time_of
from carryover.records.text import names_own_folder

_SECONDS_UNTIL: Final = 100_000_000_000
"""A smaller number is a time in seconds: as milliseconds it would be before 1974."""


class Context(SessionContext, frozen=True, omit_defaults=True):
    """The parser's state between two records."""

    session: str = ""
    calls: tuple[OpenCall, ...] = ()
    last: bytes | None = None
    """The key of the last event, after which a document goes on."""


class Begin(msgspec.Struct, frozen=True, tag="begin"):
    """What the reader of a document says first. `on`: its entries follow those read before; `more`: others follow."""

    head: Fields
    """Short fields of the document beside its list."""
    on: bool
    more: bool


class Entry(msgspec.Struct, frozen=True, tag="entry"):
    """An entry in the list of a document, numbered from 0."""

    number: int
    record: msgspec.Raw


class Parser:
    """Parses the records of one declared source."""

    def __init__(self, source: DeclaredSource) -> None:
        self._declared = source
        self._speakers = source.speakers
        self._project = str(expanded(source.project)) if source.project is not None else None

    def parse(self, source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
        """Implements `Agent.parse`."""
        number = record.number
        data: bytes | msgspec.Raw = record.data
        if self._declared.format == "json":
            part = msgspec.json.decode(record.data, type=Begin | Entry)
            if isinstance(part, Begin):
                return self._begin(source, context, part)
            number = part.number
            data = part.record
        builder = _Builder(context=context, declared=self._declared, number=number)
        fields = fields_of(data)
        if not fields:
            builder.skip("record", "not a JSON object")
            return context, builder.built()
        self._locate(builder, source, fields)
        self._take(builder, fields)
        if builder.events:
            builder.put_news_first(builder.context.session, builder.context.cwd)
            builder.change(last=builder.last_key)
        return builder.context, builder.built()

    def _begin(self, source: Source, context: Context, begin: Begin) -> tuple[Context, Parsed]:
        builder = _Builder(context=context, declared=self._declared, number=0)
        if not begin.on:
            builder.change(calls=(), last=None)
        self._locate(builder, source, begin.head)
        here = builder.context
        return here, builder.built(reemitted_after(here.last, session=here.session, more=begin.more))

    def _locate(self, builder: _Builder, source: Source, fields: Fields) -> None:
        """Notes the session, the folder and the time that a record, or the head of a document, names."""
        declared = self._declared
        named = usable_name(builder.text_at(fields, declared.session))
        folder = self._project or usable_folder(builder.text_at(fields, declared.folder))
        at_ms = _time_in(builder.at(fields, declared.time))
        here = builder.context
        builder.change(
            session=named or here.session or source.session or digest(source.path),
            cwd=folder or here.cwd,
            last_ms=at_ms or here.last_ms,
        )
        builder.at_ms = builder.context.last_ms
        builder.learn(model=builder.text_at(fields, declared.model))

    def _take(self, builder: _Builder, fields: Fields) -> None:
        role = builder.text_at(fields, self._declared.role)
        speaker = self._speakers.get(role.lower())
        calls = [*builder.calls_in(fields)]
        result = self._result_in(builder, fields, speaker)
        text = builder.said_at(fields, self._declared.text)
        if speaker is None and not calls and result is None:
            builder.skip(f"role/{role}" if role else "record", "its role is not known" if role else "it has no role")
        elif speaker == "user" and text.strip():
            builder.add(UserPrompt(text=text), "prompt")
        elif speaker == "agent" and text.strip() and result != text:
            builder.add(AssistantMessage(text=text), "said")
        for place, call in enumerate(calls):
            builder.open(call, place)
        if result is not None:
            builder.close(fields, result)

    def _result_in(self, builder: _Builder, fields: Fields, speaker: Speaker | None) -> str | None:
        """Returns what a tool printed, if the record holds that."""
        path = self._declared.result
        if path:
            return None if builder.at(fields, path) == rawjson.ABSENT else builder.said_at(fields, path)
        return builder.said_at(fields, self._declared.text) if speaker == "tool" else None


class _Builder(EventBuilder[Context]):
    """Builds the events of one record."""

    def __init__(self, *, context: Context, declared: DeclaredSource, number: int) -> None:
        super().__init__(context=context, at_ms=context.last_ms)
        self._declared = declared
        self._number = number

    def add(self, body: AnyBody, part: str) -> None:
        key = f"{self.context.session}/{self._number}/{part}"
        self.append(key, body, session=self.context.session, cwd=self.context.cwd)

    def at(self, fields: Fields, path: str) -> msgspec.Raw:
        """Returns the field at a path; absent if there is none."""
        first, *rest = path.split(".")
        return inside(fields.get(first, rawjson.ABSENT), *rest)

    def text_at(self, fields: Fields, path: str) -> str:
        return text_of(self.at(fields, path))

    def said_at(self, fields: Fields, path: str) -> str:
        """Returns the text in a field: the field itself, or its parts with `text`."""
        raw = self.at(fields, path)
        parts = (text_of(fields_of(part).get("text")) or text_of(part) for part in items_of(raw))
        return text_of(raw) or "\n".join(filter(None, parts))

    def calls_in(self, fields: Fields) -> Iterator[Fields]:
        """Yields the calls in a record, each as an object with the fields that the user named."""
        raw = self.at(fields, self._declared.call)
        if text_of(raw):
            yield fields
        elif items := items_of(raw):
            yield from map(fields_of, items)
        elif call := fields_of(raw):
            yield call

    def open(self, call: Fields, place: int) -> None:
        """Adds a tool call."""
        declared = self._declared
        own_name = self.text_at(call, declared.name) or self.text_at(call, declared.call)
        name = usable_name(own_name) or "?"
        call_id = usable_name(self.text_at(call, declared.id)) or f"{self._number}/{place}"
        raw = self.at(call, declared.input)
        given = fields_of(raw) or fields_of(text_of(raw).encode("utf-8", "replace"))
        op, subject = operation_and_subject(name, given, self.context.cwd)
        subject = bounded(subject or text_of(raw), SUBJECT_CHARS)
        changes = file_changes(op, subject, given, self.context.cwd)
        made = OpenCall(call_id, name, op, subject, changes=changes, handoff=names_own_folder(subject))
        self.change(calls=opened(self.context.calls, made))
        self.add(made.as_event(), f"call{place}")

    def close(self, fields: Fields, output: str) -> None:
        """Adds the result of an open call: of the one that the record names, else of the last one."""
        declared = self._declared
        named = self.text_at(fields, declared.result_id)
        open_calls = self.context.calls
        call = next((call for call in reversed(open_calls) if named in ("", call.id)), None)
        if call is None:
            self.skip("result", "its call is not known")
            return
        outcome = outcome_in_text(call.op, output)
        exit_code = number_of(self.at(fields, declared.exit_code)) if declared.exit_code else None
        if exit_code is not None:
            outcome = msgspec.structs.replace(outcome, exit_code=exit_code, status="error" if exit_code else "ok")
        if is_true(self.at(fields, declared.failed)):
            outcome = msgspec.structs.replace(outcome, status="error")
        self.change(calls=closed(open_calls, call.id))
        self.add(call.ended(outcome), "result")
        if outcome.status in ("ok", "unknown"):
            for number, change in enumerate(call.changes):
                self.add(as_edit(change, call.id), f"edit{number}")


def _time_in(raw: msgspec.Raw) -> int:
    """Returns a time in UTC milliseconds; 0 if there is none. It may be in seconds, even as a text."""
    text = text_of(raw)
    if text.replace(".", "", 1).isdigit():
        raw = msgspec.Raw(text.encode())
    return time_of(raw) or time_of(_in_milliseconds(raw))


def _in_milliseconds(raw: msgspec.Raw) -> msgspec.Raw:
    try:
        seconds: Any = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return rawjson.ABSENT
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or abs(seconds) >= _SECONDS_UNTIL:
        return rawjson.ABSENT
    return msgspec.Raw(str(round(seconds * 1000)).encode())
