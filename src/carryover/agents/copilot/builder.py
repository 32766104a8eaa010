"""The parser's state between records, and the builder that turns a record of a log into events with keys."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

import msgspec

from carryover.adapter import event_builder
from carryover.adapter.contract import Parsed, Record, Source
from carryover.adapter.event_builder import EventBuilder, usable_folder, usable_name
from carryover.model import AnyBody, PlanState, session_in_other_cwd
from carryover.records import rawjson
from carryover.records.fields import digest, utc_ms
from carryover.records.lenient import Fields, fields_of, text_of


class OpenCall(event_builder.OpenCall, frozen=True, omit_defaults=True):
    """A tool call whose result has not come yet."""

    thread: str = ""
    """The sub-agent that made the call, if any."""
    question: str = ""
    query: str = ""
    """The SQL by which the call changes the todo list."""
    process: str | None = None
    """The shell that it left running or uses."""
    denied: bool = False
    """Whether the user rejected the call."""
    words: str = ""
    """What the user said on rejecting it."""


class Todo(msgspec.Struct, frozen=True, omit_defaults=True):
    """One row of the table `todos`, in which the model keeps its list with SQL."""

    id: str
    text: str
    state: PlanState = "pending"


class LogContext(event_builder.SessionContext, frozen=True, omit_defaults=True):
    """The state of a session's log between two records. `cwd`: the folder the session works in."""

    folder: str | None = None
    """The project it began in. Work in another project belongs to another session, since a session has one project."""
    place: str | None = None
    """The project it works in now."""
    calls: tuple[OpenCall, ...] = ()
    todos: tuple[Todo, ...] = ()
    compacted_ms: int = 0
    """Time of a compaction that removed a hook's text from the conversation, if no prompt has come since."""


class ChatContext(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of a VS Code chat between two records."""

    last: bytes | None = None
    """Key of the last event. Bytes, since text might be taken for a secret."""
    last_ms: int = 0
    info: int = 0
    """Fingerprint of the facts about the session as they were last emitted."""


class Context(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of one source between two records, with a part for each kind of source."""

    log: LogContext = LogContext()
    chat: ChatContext = ChatContext()


class Line(msgspec.Struct, frozen=True, rename="camel"):
    """One record of a log: `{"type", "data", "id", "timestamp", "parentId", "agentId"?}` (1.0.48, 1.0.102).

    `agent_id`: the sub-agent it belongs to. Each field of the data is decoded separately.
    """

    type: str
    id: str | None = None
    timestamp: str | None = None
    agent_id: str | None = None
    data: msgspec.Raw = rawjson.ABSENT


@dataclass(slots=True, kw_only=True)
class Builder(EventBuilder[LogContext]):
    """Builds the events of one log line."""

    type: str
    data: Fields
    """Type and fields of the record."""
    conversation: str
    ident: str
    subagent_id: str | None

    @classmethod
    def begin(cls, source: Source, context: LogContext, line: Line, record: Record) -> Builder:
        """Returns a builder for one record. A record without a time gets the time of the record before it."""
        at_ms = utc_ms(line.timestamp) or context.last_ms
        conversation = conversation_of(source)
        return cls(
            type=line.type,
            data=fields_of(line.data),
            context=msgspec.structs.replace(context, last_ms=at_ms),
            conversation=conversation,
            at_ms=at_ms,
            version=context.facts.agent_version,
            ident=usable_name(line.id) or f"{conversation}/{digest(record.data)}",
            subagent_id=usable_name(line.agent_id),
        )

    @property
    def session(self) -> str:
        """The session's id: a separate one once the conversation has moved away from its first project."""
        here = self.context.place
        first = self.context.folder
        return self.conversation if here in (None, first) else session_in_other_cwd(self.conversation, digest(here)[:8])

    def add(self, body: AnyBody, part: str) -> None:
        """Adds an event. `part` distinguishes it from other events of the same record."""
        if not self.at_ms:
            self.skip(self.type, "no time")
            return
        cwd = self.context.cwd
        self.append(f"{self.ident}:{part}", body, session=self.session, cwd=cwd, subagent_id=self.subagent_id)

    def text(self, name: str) -> str:
        """Returns the text in a field of the record; empty if it holds none."""
        return text_of(self.data.get(name))

    def move_to(self, there: Fields) -> None:
        """Changes the folder that the session works in from this record on."""
        cwd = usable_folder(text_of(there.get("cwd")))
        if cwd is None:
            return
        place = usable_folder(text_of(there.get("gitRoot"))) or cwd
        self.change(cwd=cwd, place=place, folder=self.context.folder or place)
        if self.session == self.conversation:
            self.learn(branch=text_of(there.get("branch")))

    def parsed(self) -> tuple[LogContext, Parsed]:
        """Returns the next context and the result of the record, new facts about the session first.

        These belong to the first project, wherever the conversation is now.
        """
        if self.events and self.subagent_id is None and self.session == self.conversation:
            self.put_news_first(self.conversation, self.context.folder)
        return self.context, self.built()


def conversation_of(source: Source) -> str:
    return source.session or PurePosixPath(source.path).stem
