"""The structure of a Claude Code transcript as far as we rely on it, and what turns one record into events with keys.

Unknown fields are ignored. Parts whose shape depends on the tool or the record type stay raw until they are needed, so
a bulky record costs one pass over its bytes. Format facts: FACTS.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

import msgspec

from carryover.adapter import event_builder
from carryover.adapter.contract import Parsed, Record, Source
from carryover.adapter.event_builder import EventBuilder, usable_folder, usable_name
from carryover.model import Actor, AnyBody, PlanState
from carryover.records.fields import digest, utc_ms
from carryover.records.lenient import fields_of, text_of
from carryover.records.rawjson import ABSENT


class Block(msgspec.Struct, frozen=True):
    """One entry of `message.content`: text, thinking, tool_use, tool_result, image..."""

    type: str
    text: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = ABSENT
    tool_use_id: str | None = None
    content: msgspec.Raw = ABSENT
    is_error: bool | None = None


class Message(msgspec.Struct, frozen=True):
    """The API message inside a `user` or `assistant` record."""

    content: str | list[Block]
    model: str | None = None
    stop_reason: str | None = None


class Attachment(msgspec.Struct, frozen=True, rename="camel"):
    """Context given to the model beside the conversation. Only `queued_command` holds the user's words."""

    type: str
    prompt: msgspec.Raw = ABSENT
    command_mode: str | None = None
    is_meta: bool | None = None
    origin: msgspec.Raw = ABSENT


class Line(msgspec.Struct, frozen=True, rename="camel"):
    """One record (seen: 2.0.65, 2.1.11-16, 2.1.111, 2.1.126, 2.1.328)."""

    type: str
    uuid: str | None = None
    timestamp: str | None = None
    cwd: str | None = None
    session_id: str | None = None
    version: str | None = None
    git_branch: str | None = None
    is_sidechain: bool | None = None
    agent_id: str | None = None
    forked_from: msgspec.Raw = ABSENT

    message: Message | None = None
    is_meta: bool | None = None
    is_compact_summary: bool | None = None
    is_visible_in_transcript_only: bool | None = None
    origin: msgspec.Raw = ABSENT
    prompt_source: str | None = None
    tool_use_result: msgspec.Raw = ABSENT
    tool_denial_kind: str | None = None
    tool_denial_before_run: bool | None = None

    is_aborted_mid_stream: bool | None = None
    is_api_error_message: bool | None = None
    error: msgspec.Raw = ABSENT
    api_error_status: msgspec.Raw = ABSENT

    subtype: str | None = None
    content: msgspec.Raw = ABSENT
    compact_metadata: msgspec.Raw = ABSENT
    attachment: Attachment | None = None

    operation: str | None = None
    custom_title: str | None = None
    ai_title: str | None = None


class OpenCall(event_builder.OpenCall, frozen=True, omit_defaults=True):
    """A tool call whose result has not come yet."""

    label: str = ""
    """The model's own label, for jobs that keep running in the background, or the state it asks for a task."""
    task_id: str = ""
    """The background job that it checks or stops."""


class Task(msgspec.Struct, frozen=True, omit_defaults=True):
    """One entry of the task list of TaskCreate and TaskUpdate (2.1.328)."""

    id: str
    text: str
    state: PlanState = "pending"


class Context(event_builder.SessionContext, frozen=True, omit_defaults=True):
    """The state of one transcript file between two records."""

    session: str | None = None
    newest_ms: int = 0
    """Newest time seen. Replayed history is older and says nothing about the session's current state."""
    emitted: event_builder.Facts = msgspec.field(default=event_builder.Facts(), name="told")
    """Stored under the name that 0.1.0 gave it."""
    titled: bool = False
    """Whether the user set the title, so that titles from the model no longer count."""
    calls: tuple[OpenCall, ...] = ()
    shell: OpenCall | None = None
    """The user's own `!command`, until its output comes."""
    tasks: tuple[Task, ...] = ()
    queued: tuple[str, ...] = ()
    """Digests of the queued prompts."""
    compaction: Literal["manual", "auto"] | None = None


@dataclass(slots=True, kw_only=True)
class Builder(EventBuilder[Context]):
    """Builds the events of one transcript line."""

    line: Line
    session: str
    timed: bool
    """Whether the record has a time."""
    ident: str
    cwd: str | None
    subagent_id: str | None

    @classmethod
    def begin(cls, source: Source, context: Context, line: Line, record: Record) -> Builder:
        """Returns a builder for one record. A record without a time gets the time of the record before it."""
        own_ms = utc_ms(line.timestamp)
        fork = fields_of(line.forked_from)
        # `/branch` (reported, not in a recording) repeats its parent's records, as a rule under the same uuid; where a
        # record gets another, it says which one it was.
        ident = usable_name(text_of(fork.get("messageUuid"))) or usable_name(line.uuid)
        session = usable_name(line.session_id) or context.session or source.session or PurePosixPath(source.path).stem
        inline = (usable_name(line.agent_id) or "inline") if line.is_sidechain else None
        builder = cls(
            line=line,
            version=line.version,
            context=context,
            session=session,
            at_ms=own_ms or context.last_ms,
            timed=own_ms > 0,
            ident=ident or f"{session}/{digest(record.data)}",
            cwd=usable_folder(line.cwd),
            subagent_id=source.subagent_id or inline,
        )
        # "HEAD" means a detached head and for no repository at all (2.1.328), "" for none (2.1.11).
        branch = line.git_branch if line.git_branch != "HEAD" else None
        builder.learn_news(agent_version=line.version, branch=branch, parent=text_of(fork.get("sessionId")))
        newest_ms = max(own_ms, context.newest_ms)
        builder.change(session=session, cwd=builder.place, last_ms=builder.at_ms, newest_ms=newest_ms)
        return builder

    @property
    def place(self) -> str | None:
        """The folder the record was written in, or the last known one."""
        return self.cwd or self.context.cwd

    @property
    def actor(self) -> Actor:
        """Who speaks in the user role: in a sub-agent's transcript, the calling model."""
        return "human" if self.subagent_id is None else "model"

    def add(self, body: AnyBody, part: str, mark: str) -> None:
        """Adds an event. `part` is its place in the record; `mark` distinguishes it from others of the same moment.

        After a resume, Claude Code 2.0.28 and 2.1.11 append old turns again with the same time and content under new
        uuids, so time, place and mark form a second key.
        """
        if not self.at_ms:
            self.skip(self.line.type, "no time")
            return
        secondary_key = f"{self.at_ms}/{self.line.type}/{self.subagent_id or ''}/{part}/{mark}" if self.timed else None
        self.append(
            f"{self.ident}:{part}",
            body,
            session=self.session,
            cwd=self.cwd,
            subagent_id=self.subagent_id,
            secondary_key=secondary_key,
        )

    def learn_news(self, **facts: str | None) -> None:
        """Notes facts about the session, unless the record repeats old history."""
        if self.subagent_id is None and self.at_ms >= self.context.newest_ms:
            self.learn(**facts)

    def emit_session_info(self) -> None:
        """Emits facts about the session that are new. Emits nothing before the first event with a time."""
        if self.subagent_id is None:
            self.put_news_first(self.session, self.cwd)

    def parsed(self) -> tuple[Context, Parsed]:
        """Returns the next context and the result of the record, session facts first."""
        if self.events:
            self.emit_session_info()
        return self.context, self.built()
