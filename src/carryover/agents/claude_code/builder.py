"""Turns one record into events with keys, counts of what was not understood, and the next context."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, Literal

import msgspec

from carryover.adapter import event_builder
from carryover.adapter.contract import Parsed, Record, Source
from carryover.adapter.event_builder import EventBuilder, usable_folder, usable_name
from carryover.agents.claude_code import wire
from carryover.model import AnyBody, PlanState
from carryover.records.fields import SHORT_CHARS, bounded, digest, utc_ms
from carryover.records.lenient import fields_of, text_of

MAX_OPEN_CALLS: Final = 200
MAX_TASKS: Final = 200
MAX_QUEUED: Final = 50


class TaskChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """A change to the task list that a call asks for. A new task has no id until the result names it."""

    id: str | None = None
    text: str | None = None
    state: Literal["pending", "active", "done", "deleted"] | None = None


class OpenCall(event_builder.OpenCall, frozen=True, omit_defaults=True):
    """A tool call whose result has not come yet."""

    label: str = ""
    """The model's own label, for jobs that keep running in the background."""
    task: TaskChange | None = None
    task_id: str = ""
    """The background job that it checks or stops."""


class Task(msgspec.Struct, frozen=True, omit_defaults=True):
    """One entry of the task list that TaskCreate and TaskUpdate change (2.1.328)."""

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
    caveat: bool = False
    """Whether the previous record announced a command that the client runs itself."""
    compaction: Literal["manual", "auto"] | None = None


INLINE_SIDECHAIN: Final = "inline"
"""Sub-agent records in the main file without an agent id."""


@dataclass(slots=True, kw_only=True)
class Builder(EventBuilder[Context]):
    """Builds the events of one transcript line."""

    line: wire.Line
    session: str
    timed: bool
    """Whether the record has a time."""
    ident: str
    cwd: str | None
    subagent_id: str | None

    @classmethod
    def begin(cls, source: Source, context: Context, line: wire.Line, record: Record) -> Builder:
        """Returns a builder for one record. A record without a time gets the time of the record before it."""
        own_ms = utc_ms(line.timestamp)
        at_ms = own_ms or context.last_ms
        fork = fields_of(line.forked_from)
        # `/branch` (reported, not in a recording) repeats its parent's records, as a rule under the same uuid; where a
        # record gets another, it says which one it was.
        ident = usable_name(text_of(fork.get("messageUuid"))) or usable_name(line.uuid)
        session = usable_name(line.session_id) or context.session or source.session or PurePosixPath(source.path).stem
        builder = cls(
            line=line,
            version=line.version,
            context=context,
            session=session,
            at_ms=at_ms,
            timed=own_ms > 0,
            ident=ident or f"{session}/{digest(record.data)}",
            cwd=usable_folder(line.cwd),
            subagent_id=source.subagent_id
            or ((usable_name(line.agent_id) or INLINE_SIDECHAIN) if line.is_sidechain else None),
        )
        builder._learn(own_ms, usable_name(text_of(fork.get("sessionId"))))
        return builder

    @property
    def place(self) -> str | None:
        """The folder the record was written in, or the last known one."""
        return self.cwd or self.context.cwd

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

    def learn_model(self, model: str | None) -> None:
        """Notes which model answers, unless the record repeats old history."""
        if self._is_news():
            self.learn(model=model)

    def learn_title(self, title: str | None, *, by_user: bool) -> None:
        """Notes the session's title. A title from the user is never replaced by one from the model."""
        if title and (by_user or not self.context.titled):
            facts = msgspec.structs.replace(self.context.facts, title=bounded(title, SHORT_CHARS))
            self.change(facts=facts, titled=by_user)

    def emit_session_info(self) -> None:
        """Emits facts about the session that are new. Emits nothing before the first event with a time."""
        if self.subagent_id is None:
            self.put_news_first(self.session, self.cwd)

    def parsed(self) -> tuple[Context, Parsed]:
        """Returns the next context and the result of the record, session facts first."""
        if self.events:
            self.emit_session_info()
        return self.context, self.built()

    def _is_news(self) -> bool:
        return self.subagent_id is None and self.at_ms >= self.context.newest_ms

    def _learn(self, own_ms: int, parent: str | None) -> None:
        if self._is_news():
            # "HEAD" means a detached head and for no repository at all (2.1.328), "" for none (2.1.11).
            branch = self.line.git_branch if self.line.git_branch != "HEAD" else None
            self.learn(agent_version=self.line.version, branch=branch, parent=parent)
        self.change(
            session=self.session,
            cwd=self.cwd or self.context.cwd,
            last_ms=self.at_ms,
            newest_ms=max(own_ms, self.context.newest_ms),
        )
