"""Sessions that are rewritten: many in one database, with sub-agents as sessions of their own, or one in a document.

A reader makes records of the kinds `begin` (a session is emitted again, or goes on), `message` for each piece, and
`session` (what is true of the whole, after the pieces). Each names its session. Parsers keep what was emitted of each
in their context.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, Generic, Literal, TypeVar

import msgspec

from carryover.adapter.contract import Parsed, Record, Source
from carryover.model import SessionInfo
from carryover.records import rawjson
from carryover.records.fields import SHORT_CHARS, bounded, digest
from carryover.transcript.recorder import OneSession, OpenCall, reemitted_after, usable_folder, usable_name

_MAX_SESSIONS: Final = 60
"""Sessions whose facts are remembered."""
_JUST_NOW: Final = 3
"""So many of the newest are never dropped: a first read begins with the session in use, when the times of others are
not known yet."""
MAX_ID_CHARS: Final = 100
_MOST_ABOVE: Final = 10
"""Most sessions above one that are gone through."""


class Reported(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was emitted of one session so far."""

    last: bytes | None = None
    """Key of the last event. Bytes, since text might be taken for a secret."""
    last_ms: int = 0
    emitted: dict[str, int] = {}
    """Fingerprints of the facts emitted last. Numbers, since a text that holds a secret is not stored as it is."""
    shell: bytes = b""
    """Id of the last user message with which a person ran a shell command, in stores that have such messages."""
    planned: bool = False
    """Whether a plan was handed in since the last user message, in stores where the next one may answer it."""
    calls: tuple[OpenCall, ...] = ()
    """Calls without a result, in stores that keep results apart from their calls."""
    folder: str | None = None
    """The folder that the session works in, in stores that name several."""


class StoredContext(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The state of one source between two records. `reported`: the sessions with the most recent records.

    One of another form is refused, so that the source is read from its beginning: with what was emitted unknown, an
    answer that is emitted again would be stored after its own beginning.
    """

    reported: dict[str, Reported] = {}


class StoredFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """Facts about a session that each of its records repeats.

    `root`: the session that it works for as a sub-agent. `name`: what it is called here, where another machine may have
    another session with the same id.
    """

    id: str
    name: str = ""
    root: str | None = None
    forked_from: str | None = None
    directory: str | None = None
    title: str | None = None
    version: str | None = None
    model: str | None = None

    @property
    def session(self) -> str:
        """The id of the session that its events belong to."""
        return self.root or self.name or self.id

    @property
    def subagent_id(self) -> str | None:
        """The id of the sub-agent that it is there; None if it is one of the user's own."""
        return self.id if self.root is not None else None


class StoredRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """Fields of every record. `on`: the pieces follow those read before. `more`: another batch follows. `at_ms`: time
    of the piece, or of the session in a `begin` record, in UTC milliseconds; 0 or less if unknown."""

    kind: Literal["begin", "message", "session"]
    session: StoredFacts
    on: bool = False
    more: bool = False
    at_ms: int = 0


_S = TypeVar("_S", bound=StoredRecord)
_E = TypeVar("_E", bound=msgspec.Struct)
_T = TypeVar("_T")


class EntryRecord(StoredRecord, Generic[_E], frozen=True, omit_defaults=True):
    """A record whose piece is an entry."""

    entry: _E | None = None


def entry_of(session: StoredFacts, entry: msgspec.Struct, at_ms: int) -> bytes:
    """Returns the record of an entry of this time; see `EntryRecord`."""
    return msgspec.json.encode({"kind": "message", "session": session, "entry": entry, "at_ms": at_ms})


def lineage(first: _T, above: Callable[[_T], _T | None]) -> list[_T]:
    """Returns `first` and those above it, the nearest first. Not for ever: a store may name a circle."""
    found = [first]
    while len(found) <= _MOST_ABOVE and (following := above(found[-1])) is not None:
        found.append(following)
    return found


def with_session(
    known: Mapping[str, _T], ident: str, state: _T, most: int, ended_ms: Callable[[_T], int]
) -> dict[str, _T]:
    """Returns the states of sessions with that of `ident` as the newest. Of more than `most`, the one that ended first
    is dropped."""
    others = {name: each for name, each in known.items() if name != ident}
    if len(others) >= most:
        del others[min([*others][:-_JUST_NOW], key=lambda name: ended_ms(others[name]))]
    return {**others, ident: state}


class StoredBuilder(OneSession[StoredContext], kw_only=True):
    """Records one record. `native` is the session as the store describes it.

    A sub-agent has its own session in the store; here it belongs to the session that it works for.
    """

    native: StoredFacts
    kept: StoredContext | None = None
    """The context to keep instead, for a record that is emitted again with each change."""

    @property
    def cwd(self) -> str | None:
        """The folder that the session works in."""
        return usable_folder(self.native.directory)

    @property
    def reported(self) -> Reported:
        """What was emitted of the session so far."""
        return self.context.reported.get(self.native.id, Reported())

    @property
    def open_calls(self) -> tuple[OpenCall, ...]:
        """The session's calls without a result."""
        return self.reported.calls

    def keep_open(self, calls: tuple[OpenCall, ...]) -> None:
        """Replaces them."""
        self.report(calls=calls)

    def report(self, **changes: object) -> None:
        """Notes what was emitted."""
        state = msgspec.structs.replace(self.reported, **changes)
        known = with_session(self.context.reported, self.native.id, state, _MAX_SESSIONS, lambda each: each.last_ms)
        self.change(reported=known)

    def begin(self, record: StoredRecord, after: bytes | None = None) -> tuple[StoredContext, Parsed]:
        """Marks what is emitted again: the events after the last one or, if anything before it changed, all of them,
        those `after` an event that stays."""
        is_known, at_ms = self.native.id in self.context.reported, max(0, record.at_ms)
        if not (record.on and is_known):
            self.report(**msgspec.structs.asdict(Reported(last=after, last_ms=at_ms)))
        elif not self.reported.last_ms:
            self.report(last_ms=at_ms)
        if record.on and not is_known:
            return self.context, Parsed()
        last = self.reported.last
        again = reemitted_after(last, session=self.session, subagent_id=self.subagent_id, more=record.more)
        return self.context, Parsed(reemitted=again)

    def news(self, name: str, said: str) -> int:
        """Notes what is `said` of the session under a name. Returns a number for it; 0 if nothing changed."""
        mark = int(digest(said)[:12], 16)
        if mark == self.reported.emitted.get(name):
            return 0
        self.report(emitted={**self.reported.emitted, name: mark})
        return mark

    def new_facts(self, given: Mapping[str, str | None]) -> dict[str, str | None]:
        """Notes facts about the session, and returns those that are new: none in a sub-agent or without a time."""
        if self.subagent_id is not None or not self.at_ms:
            return {}
        facts = {name: bounded(fact, SHORT_CHARS) for name, fact in given.items() if fact}
        return {name: fact for name, fact in facts.items() if self.news(name, fact)}

    def add_facts(self, given: Mapping[str, str | None]) -> None:
        """Adds those facts about the session that are new."""
        if news := self.new_facts(given):
            key = f"{self.native.id}/info/{self.at_ms}/{digest(msgspec.json.encode(news))[:12]}"
            self.add(SessionInfo(**news), key)

    def finished(self) -> tuple[StoredContext, Parsed]:
        """Returns the next context and the result of the record."""
        if self.events:
            self.report(last=self.last_key)
        return self.kept or self.context, self.built()


def is_usable_id(ident: str) -> bool:
    """Whether an id is fit to be stored and to be part of a file name."""
    return 0 < len(ident) <= MAX_ID_CHARS and "/" not in ident and "\0" not in ident and not ident.startswith(".")


def read_stored(decoder: msgspec.json.Decoder[_S], record: Record) -> _S | Parsed:
    """Returns a record of such a reader; what is counted as skipped if it is not understood."""
    read = rawjson.read(decoder, record.data)
    if isinstance(read, str):
        return Parsed(skipped=(rawjson.skipped(None, read, None),))
    session = read.session
    idents = (session.root, session.name, session.forked_from)
    if not session.id or not all(usable_name(ident) for ident in (session.id, *idents) if ident):
        return Parsed(skipped=(rawjson.skipped("session", "no usable id", None),))
    return read


_B = TypeVar("_B", bound=StoredBuilder)


def parse_stored(
    decoder: msgspec.json.Decoder[_S],
    recorder_type: type[_B],
    handle: Callable[[_B, _S], None],
    _source: Source,
    context: StoredContext,
    record: Record,
) -> tuple[Any, Parsed]:
    """Parses one record of such a reader: its frame here, the piece or the facts in it by `handle`. Never raises: what
    is not understood is counted in `skipped`."""
    read = read_stored(decoder, record)
    if isinstance(read, Parsed):
        return context, read
    native = read.session
    recorder = recorder_type(
        context=context,
        native=native,
        version=native.version,
        session=native.session,
        subagent_id=native.subagent_id,
    )
    if read.kind == "begin":
        return recorder.begin(read)
    handle(recorder, read)
    return recorder.finished()


def parse_entries(
    decoder: msgspec.json.Decoder[EntryRecord[_E]],
    handle: Callable[[StoredBuilder, _E], None],
    source: Source,
    context: StoredContext,
    record: Record,
) -> tuple[StoredContext, Parsed]:
    """Parses one record of a reader whose pieces are entries, as `parse_stored` does."""
    return parse_stored(decoder, StoredBuilder, partial(_handle_entry, handle), source, context, record)


def _handle_entry(
    handle: Callable[[StoredBuilder, _E], None], recorder: StoredBuilder, record: EntryRecord[_E]
) -> None:
    native, entry, last_ms = recorder.native, record.entry, recorder.reported.last_ms
    recorder.at_ms = last_ms
    if entry is not None:
        recorder.at_ms = max(0, record.at_ms) or last_ms
        recorder.report(last_ms=max(last_ms, recorder.at_ms))
    recorder.add_facts({"title": native.title, "model": native.model, "parent": native.forked_from})
    if entry is not None and recorder.at_ms:
        handle(recorder, entry)
    elif entry is not None:
        recorder.skip("message", "no time")
