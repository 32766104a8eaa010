"""Shared by all adapters while they turn one record into events: collect them, remember open calls, count the rest.

Each agent has a subclass of `EventBuilder` that knows its ids, times and folders. One that learns facts about a session
from single records has a context with `Facts`, as `SessionContext` has it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

import msgspec

from carryover.adapter.contract import Parsed, Reemitted, ToolOutcome
from carryover.model import Actor, AnyBody, Event, Op, SessionInfo, Skipped, ToolCall, ToolResult
from carryover.records import rawjson
from carryover.records.changes import Change
from carryover.records.fields import MAX_NAME_CHARS, MAX_PATH_CHARS, digest, is_absolute
from carryover.records.text import without_handoff

C = TypeVar("C", bound=msgspec.Struct)


class OpenCall(msgspec.Struct, frozen=True, omit_defaults=True):
    """A tool call whose result has not come yet. Part of a context, so it is stored with the cursor."""

    id: str
    name: str
    op: Op
    subject: str = ""
    actor: Actor = "model"
    changes: tuple[Change, ...] = ()
    handoff: bool = False
    """Whether the call reads Carryover's own file, whose text must not come back as something that happened here."""

    def as_event(self) -> ToolCall:
        """The call itself."""
        return ToolCall(call_id=self.id, name=self.name, op=self.op, subject=self.subject, actor=self.actor)

    def ended(self, outcome: ToolOutcome) -> ToolResult:
        """How it ended, without what its output repeats of a handoff."""
        return ToolResult(
            call_id=self.id,
            name=self.name,
            op=self.op,
            status=outcome.status,
            subject=self.subject,
            exit_code=outcome.exit_code,
            output="" if self.handoff else without_handoff(outcome.output),
            never_ran=outcome.never_ran,
            actor=self.actor,
            user_words=outcome.user_words,
        )


Call = TypeVar("Call", bound=OpenCall)


class Facts(msgspec.Struct, frozen=True, omit_defaults=True):
    """Facts about a session. The order of the fields is part of the keys under which they are reported."""

    title: str | None = None
    agent_version: str | None = None
    model: str | None = None
    branch: str | None = None
    parent: str | None = None


class SessionContext(msgspec.Struct, frozen=True, omit_defaults=True):
    """Context of a transcript that holds one session."""

    cwd: str | None = None
    last_ms: int = 0
    """Time of the last record that had one: records without one take it."""
    facts: Facts = Facts()
    emitted: Facts = Facts()
    """The facts as they were last emitted."""


def opened(calls: tuple[Call, ...], call: Call, *, most: int) -> tuple[Call, ...]:
    """Returns the open calls with one more, which replaces one of the same id; the oldest beyond `most` are dropped."""
    return (*closed(calls, call.id), call)[-most:]


def closed(calls: tuple[Call, ...], call_id: str) -> tuple[Call, ...]:
    """Returns the open calls without one."""
    return tuple(call for call in calls if call.id != call_id)


@dataclass(slots=True, kw_only=True)
class EventBuilder(Generic[C]):
    """One record while it is parsed. `context` is replaced as the parser learns; nothing outlives the record but it."""

    context: C
    at_ms: int = 0
    """UTC milliseconds; 0 if no time is known, and then nothing is added."""
    version: str | None = None
    """The client's version, if it is known."""
    events: list[Event] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    def change(self, **changes: object) -> None:
        """Replaces fields of the context."""
        self.context = msgspec.structs.replace(self.context, **changes)

    def append(
        self,
        key: str,
        body: AnyBody,
        *,
        session: str,
        cwd: str | None,
        subagent_id: str | None = None,
        secondary_key: str | None = None,
    ) -> None:
        """Adds an event under a key."""
        self.events.append(
            Event(
                key=key,
                session=session,
                at_ms=self.at_ms,
                body=body,
                secondary_key=secondary_key,
                cwd=cwd,
                subagent_id=subagent_id,
            )
        )

    def put_info_first(self, session: str, cwd: str | None, facts: dict[str, str | None]) -> None:
        """Adds facts about the session before everything else: the session belongs to the key, since a fork has the
        records of its parent, but its own facts."""
        key = f"info/{session}/{self.at_ms}/{digest(msgspec.json.encode(facts))}"
        info = SessionInfo(**facts)
        self.events.insert(0, Event(key=key, session=session, at_ms=self.at_ms, body=info, cwd=cwd))

    def learn(self, **facts: str | None) -> None:
        """Notes facts about the session; None leaves a fact as it is."""
        known = getattr(self.context, "facts", Facts())
        news = {name: fact for name, fact in facts.items() if fact and fact != getattr(known, name)}
        if news and (news := {name: fact for name, fact in news.items() if usable_name(fact)}):
            self.change(facts=msgspec.structs.replace(known, **news))

    def put_news_first(self, session: str, cwd: str | None) -> None:
        """Adds what is known of the session and was not emitted before. Without any time that waits."""
        facts, emitted = getattr(self.context, "facts", Facts()), getattr(self.context, "emitted", Facts())
        if facts != emitted and self.at_ms:
            self.put_info_first(session, cwd, differing(facts, emitted))
            self.change(emitted=facts)

    def skip(self, record_type: str, reason: str) -> None:
        """Counts something that was not understood, of the client's version. `reason` never quotes the record."""
        self.count_skipped(record_type, reason, self.version)

    def count_skipped(self, record_type: str, reason: str, version: str | None = None) -> None:
        """Counts something that was not understood. `reason` never quotes the record."""
        self.skipped.append(rawjson.skipped(record_type, reason, version))

    def built(self, reemitted: Reemitted | None = None) -> Parsed:
        """The result for the record."""
        return Parsed(events=tuple(self.events), skipped=tuple(self.skipped), reemitted=reemitted)

    @property
    def last_key(self) -> bytes:
        """Key of the last event of the record. Bytes, since a context's text might be taken for a secret."""
        return self.events[-1].key.encode("utf-8", "replace")


def reemitted_after(
    last: bytes | None, *, session: str, subagent_id: str | None = None, more: bool = False
) -> Reemitted:
    """Announces that a conversation is emitted again: what comes after the event with the key `last` (see
    `EventBuilder.last_key`), or all of it if that is None."""
    after = None if last is None else last.decode("utf-8", "replace")
    return Reemitted(session=session, subagent_id=subagent_id, after=after, more=more)


def differing(new: msgspec.Struct, old: msgspec.Struct) -> dict[str, str | None]:
    """Returns the fields of `new` that `old` has otherwise."""
    return {name: value for name in new.__struct_fields__ if (value := getattr(new, name)) != getattr(old, name)}


def usable_name(name: str | None) -> str | None:
    """Returns an id or name fit to be kept; None for absent, empty and absurdly long ones."""
    return name if name and len(name) <= MAX_NAME_CHARS else None


def usable_folder(path: str | None) -> str | None:
    """Returns a folder fit to be kept; None for absent, relative and absurdly long ones."""
    return path if path and is_absolute(path) and len(path) <= MAX_PATH_CHARS else None
