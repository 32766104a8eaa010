"""OpenClaw: it runs on pi, whose entries it keeps in a database. FACTS.md has what differs."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Agent, Parsed, Record, Source
from carryover.adapter.layouts import Layout, source_at
from carryover.agents.openclaw import SPEC
from carryover.agents.openclaw.database import EVENTS, RECORD, Database
from carryover.agents.pi.adapter import PiContext, exported_by_pi, parse_line
from carryover.model import SessionInfo
from carryover.records import rawjson
from carryover.transcript import sqlite
from carryover.transcript.by_kind import ReaderByKind
from carryover.transcript.files import SQLITE
from carryover.transcript.jsonl import JsonlReader
from carryover.transcript.recorder import reemitted_after, usable_name
from carryover.transcript.stat_cache import StatCachedReader
from carryover.transcript.stored import StoredFacts

_DATABASE: Final = ".sqlite"
_AGENTS: Final = "agents"
_LAYOUTS: Final = (
    Layout(globs=("*/agent/openclaw-agent.sqlite",), pattern=r"[^/]+/agent/openclaw-agent\.sqlite"),
    # Before 2026.7.2. `openclaw doctor --fix` takes their lines into the database, whose report then counts.
    Layout(
        globs=("*/sessions/*.jsonl",),
        pattern=r"[^/]+/sessions/(?P<session>[A-Za-z0-9][A-Za-z0-9_-]*)\.jsonl",
        rank=-1,
    ),
)
_MAX_SESSIONS: Final = 10
"""Sessions whose state is kept."""
_JUST_NOW: Final = 3
"""So many that were read last are kept in any case: the times of others are not known yet."""


class _Session(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of a session after its last entry. `last`: key of its last event; bytes, since text might be taken
    for a secret."""

    state: PiContext = PiContext()
    last: bytes | None = None


class _Context(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of a source: of a session's file, or of a database's newest sessions."""

    file: PiContext = PiContext()
    sessions: dict[str, _Session] = {}


def _parse(source: Source, context: _Context, record: Record) -> tuple[_Context, Parsed]:
    """Parses a line of a session's file, or a record of the database's reader."""
    if not source.path.endswith(_DATABASE):
        state, parsed = parse_line(source, context.file, record)
        return msgspec.structs.replace(context, file=state), parsed
    read = rawjson.read(RECORD, record.data)
    if isinstance(read, str):
        return context, Parsed(skipped=(rawjson.skipped(None, read, None),))
    facts = read.session
    if not usable_name(facts.id) or not usable_name(facts.root or facts.id):
        return context, Parsed(skipped=(rawjson.skipped("session", "no usable id", None),))
    thread = facts.id if facts.root is not None else None
    session_id = facts.root or facts.name or facts.id
    here = Source(agent=source.agent, path=source.path, session=session_id, subagent_id=thread)
    known = context.sessions.get(facts.id)
    parsed = Parsed()
    if read.kind == "begin":
        kept = known if read.on else None
        if kept is not None or not read.on:
            last = kept.last if kept is not None else None
            again = reemitted_after(last, session=session_id, subagent_id=thread, more=read.more)
            parsed = Parsed(reemitted=again)
        return _with(context, kept or _begun(facts, read.at_ms), facts.id), parsed
    session = known or _begun(facts, 0)
    line = bytes(read.entry.line) if read.entry is not None else _title(facts)
    if line:
        state, parsed = parse_line(here, session.state, Record(number=record.number, data=line))
        own = tuple(event for event in parsed.events if not event.copied)  # its source is in the same database
        parsed = msgspec.structs.replace(parsed, events=own)
        last = parsed.events[-1].key.encode("utf-8", "replace") if parsed.events else session.last
        session = _Session(state, last)
    return _with(context, session, facts.id), parsed


def _with(context: _Context, session: _Session, ident: str) -> _Context:
    """Returns the context with a session as the newest one; the one that ended first is dropped if there are too many:
    a first read begins with the session in use."""
    sessions = {name: each for name, each in context.sessions.items() if name != ident}
    if len(sessions) >= _MAX_SESSIONS:
        del sessions[min([*sessions][:-_JUST_NOW], key=lambda name: sessions[name].state.last_ms)]
    return msgspec.structs.replace(context, sessions={**sessions, ident: session})


def _begun(facts: StoredFacts, at_ms: int) -> _Session:
    """Returns the state of a session before its first entry. What it copied from another one is older than itself."""
    forked_ms = at_ms if facts.forked_from else 0
    about = SessionInfo(parent=facts.forked_from)
    return _Session(PiContext(session=facts.name or facts.id, cwd=facts.directory, forked_ms=forked_ms, facts=about))


def _title(facts: StoredFacts) -> bytes:
    """Returns the title as pi would write it; empty if there is none."""
    return msgspec.json.encode({"type": "session_info", "name": facts.title}) if facts.title else b""


def _kind_of(path: Path) -> str | None:
    """Returns the kind of a source; None for a file anywhere but in its place: of pi's, which are the same, some have
    no header."""
    if path.suffix == _DATABASE:
        return "database"
    return "file" if [above.name for above in path.parents[2:3]] == [_AGENTS] else None


def _exported(path: Path, head: bytes) -> Source | None:
    """Returns the source in a copy of a database anywhere on disk, or in a session's file where OpenClaw keeps it."""
    if not head.startswith(SQLITE):
        is_in_place = _kind_of(path) == "file" and exported_by_pi(path, head)
        return source_at(SPEC.id, _LAYOUTS, path, path.parents[2]) if is_in_place else None
    with suppress(OSError):
        if path.suffix == _DATABASE and EVENTS in sqlite.table_names(path):
            return Source(agent=SPEC.id, path=str(path))
    return None


AGENT: Final = Agent(
    spec=SPEC,
    reader=ReaderByKind(
        _kind_of,
        {"database": StatCachedReader(sqlite.DatabaseReader(Database)), "file": JsonlReader()},
    ),
    context_type=_Context,
    layouts=_LAYOUTS,
    parse=_parse,
    exported=_exported,
)
