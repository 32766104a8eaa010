"""The structure of a pi session as far as we rely on it, and what is remembered between two entries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Self

import msgspec

from carryover.adapter.contract import Parsed, Source
from carryover.adapter.event_builder import EventBuilder, OpenCall, SessionContext, usable_folder, usable_name
from carryover.families import tree
from carryover.families.retried import Failure
from carryover.model import AnyBody
from carryover.records.fields import digest, utc_ms
from carryover.records.lenient import Fields, fields_of, text_of
from carryover.records.rawjson import ABSENT


class Line(msgspec.Struct, frozen=True, rename="camel"):
    """The header of a session, or one of its entries (0.73 to 1.5)."""

    type: str
    id: str | None = None
    parent_id: str | None = None
    timestamp: str | None = None
    cwd: str | None = None
    parent_session: str | None = None
    model_id: str | None = None
    name: str | None = None
    summary: str | None = None
    message: msgspec.Raw = ABSENT


class Context(SessionContext, frozen=True, omit_defaults=True):
    """The state of one session between two entries."""

    session: str | None = None
    forked_ms: int = 0
    """When the session was forked from another: entries from before are copies. 0 if it was not."""
    calls: tuple[OpenCall, ...] = ()
    failed: Failure | None = None
    tree: tree.Tree = ()


@dataclass(slots=True, kw_only=True)
class Builder(EventBuilder[Context]):
    """Builds the events of one entry."""

    line: Line
    message: Fields
    session: str
    ident: str

    @classmethod
    def begin(cls, source: Source, context: Context, line: Line) -> Self:
        """Returns a builder for one entry.

        A copy keeps time and message, but a file of the first format gets ids when a later client opens it, so events
        are known by time and message.
        """
        session = context.session or source.session or PurePosixPath(source.path).stem
        content = bytes(line.message) if line.message is not ABSENT else (line.summary or line.name or "").encode()
        builder = cls(
            context=context,
            at_ms=utc_ms(line.timestamp) or context.last_ms,
            line=line,
            message=fields_of(line.message),
            session=session,
            ident=f"{line.timestamp}/{line.type}/{digest(content)}",
        )
        builder.change(last_ms=builder.at_ms)
        return builder

    @property
    def is_copy(self) -> bool:
        """Whether the entry was copied from the session that this one was forked from."""
        return self.at_ms < self.context.forked_ms

    def begin_session(self) -> None:
        """Takes the session's id, folder and parent from its header."""
        line = self.line
        session = usable_name(line.id) or self.session
        parent = PurePosixPath(line.parent_session or "").stem.partition("_")[2]
        self.session = session
        self.change(session=session, cwd=usable_folder(line.cwd))
        if line.parent_session:
            self.change(forked_ms=self.at_ms)
            self.learn(parent=parent)

    def handle(self, handle: Callable[[Self], None]) -> None:
        """Handles the entry in its place. A fork repeats what its parent said, and does not take it back."""
        ident = self.line.id
        if ident is not None:
            tree.take_place(self, ident, self.line.parent_id)
        handle(self)
        if ident is not None and not self.is_copy:
            tree.keep_place(self)

    def add(self, body: AnyBody, part: str) -> None:
        """Adds an event. `part` is its place in the entry. A copy's is the parent's, and counts if that is gone."""
        if not self.at_ms:
            self.skip(self.line.type, "no time")
            return
        key = f"{self.ident}:{part}"
        parent = self.context.facts.parent if self.is_copy else None
        if parent is None:
            self.append(key, body, session=self.session, cwd=self.context.cwd)
            return
        self.append(f"copied/{key}", body, session=parent, cwd=self.context.cwd)
        self.events[-1] = msgspec.structs.replace(self.events[-1], copied=True)

    def text(self, name: str) -> str:
        """Returns a text of the message; empty if it has none."""
        return text_of(self.message.get(name))

    def parsed(self) -> tuple[Context, Parsed]:
        """Returns the next context and the result of the entry, facts about the session first."""
        if self.events and not self.is_copy:
            self.put_news_first(self.session, self.context.cwd)
        return self.context, self.built()
