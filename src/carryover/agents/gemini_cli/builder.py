"""Turns one record into events with keys, counts of what was not understood, and the next context."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

import msgspec

from carryover.adapter.contract import Parsed, Reemitted, Source
from carryover.adapter.event_builder import EventBuilder, SessionContext, usable_folder, usable_name
from carryover.agents.gemini_cli.locate import path_hash
from carryover.model import AnyBody
from carryover.records.fields import SHORT_CHARS, bounded, utc_ms
from carryover.records.lenient import text_of

MAX_MESSAGES: Final = 100
"""How many of the newest messages can be retracted."""
MAX_GROWING: Final = 5
"""Only the newest message grows or, after a notice from the client, the one before it."""
_MOST_FOLDERS: Final = 40


class Begin(msgspec.Struct, frozen=True, omit_defaults=True):
    """The header that a reader puts before its records: the start folder, and how much of a document follows."""

    root: str | None = None
    """The start folder, as the client noted it beside the transcripts."""
    document: bool = False
    """Whether the messages come from a document that is rewritten as a whole."""
    on: bool = False
    """Whether the records follow those of earlier batches."""
    more: bool = False
    """Whether another batch follows."""


class Call(msgspec.Struct, frozen=True, omit_defaults=True):
    """A tool call that was emitted, and whether its result was emitted as well."""

    id: str
    ended: bool = False


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message that may still grow, with the parts of it that were emitted."""

    id: str
    said: bool = False
    """Whether its text was emitted."""
    calls: tuple[Call, ...] = ()
    """Empty for a message that is too old to grow."""


class Marker(msgspec.Struct, frozen=True):
    """The key of an event or the id of a message."""

    id: str


class Context(SessionContext, frozen=True, omit_defaults=True):
    """The state of one transcript between two records."""

    document: bool = False
    """Whether the source is a document. Its events have separate keys, since lines that replace it repeat its
    messages."""
    session: str | None = None
    subagent_id: str | None = None
    folder: str | None = None
    """SHA-256 of the start folder's path, from the header."""
    messages: tuple[Message, ...] = ()
    """The newest last."""
    waiting: Marker | None = None
    """The id of the prompt that has no answer yet."""
    last: Marker | None = None
    """The last event."""


@dataclass(slots=True, kw_only=True)
class Builder(EventBuilder[Context]):
    """Builds the events of one transcript record."""

    source: Source

    @property
    def session(self) -> str:
        """The session; for a sub-agent, the session that it works for."""
        return self.source.session or self.context.session or PurePath(self.source.path).stem

    @property
    def subagent_id(self) -> str | None:
        """The sub-agent whose transcript this is; None for a main conversation."""
        return self.source.subagent_id or self.context.subagent_id

    def at(self, timestamp: msgspec.Raw | None) -> None:
        """Sets the time of the events that follow; without a time, the previous record's is kept."""
        self.at_ms = utc_ms(text_of(timestamp)) or self.context.last_ms
        self.change(last_ms=self.at_ms)

    def add(self, key: str, body: AnyBody) -> None:
        """Adds an event. Its key begins with the id of its message."""
        if not self.at_ms:
            self.skip("message", "no time")
            return
        if self.context.document:
            key = f"document/{key}"
        self.append(key, body, session=self.session, cwd=self.context.cwd, subagent_id=self.subagent_id)

    def learn(self, **facts: str | None) -> None:
        """Notes facts about the session, unless this is a sub-agent's transcript; None leaves a fact as it is."""
        if self.subagent_id is None:
            known = {name: bounded(value, SHORT_CHARS) for name, value in facts.items() if value and value.strip()}
            super(Builder, self).learn(**known)

    def message(self, ident: str) -> Message:
        """Returns the message with that id as far as it was parsed."""
        return next((known for known in self.context.messages if known.id == ident), Message(id=ident))

    def keep(self, message: Message) -> None:
        """Remembers a message. Only the newest few are kept, since no other can still grow."""
        known = {other.id: other for other in self.context.messages} | {message.id: message}
        newest = [*known.values()][-MAX_MESSAGES:]
        grown = (msgspec.structs.replace(old, calls=()) if old.calls else old for old in newest[:-MAX_GROWING])
        self.change(messages=(*grown, *newest[-MAX_GROWING:]))

    def settle(self, folders: Iterable[str]) -> None:
        """Remembers the start folder: the candidate that matches the header's hash, or else the first.

        The first folder that a record names is the most likely one.
        """
        usable = [place for folder in folders if (place := usable_folder(folder)) is not None][:_MOST_FOLDERS]
        if self.context.cwd is None and usable:
            self.change(cwd=next(filter(self._is_start, usable), usable[0]))

    def settle_above(self, path: str) -> None:
        """Remembers the start folder if the header's hash matches a folder above `path`."""
        if self.context.cwd is None and self.context.folder is not None and usable_folder(path):
            above = [path, *map(str, PurePath(path).parents)][:_MOST_FOLDERS]
            self.change(cwd=next(filter(self._is_start, above), None))

    def parsed(self, reemitted: Reemitted | None = None) -> tuple[Context, Parsed]:
        """Returns the next context and the result of the record, session facts first."""
        if self.subagent_id is None:
            self.at_ms = self.events[0].at_ms if self.events else self.context.last_ms
            self.put_news_first(self.session, self.context.cwd)
        if self.events:
            self.change(last=Marker(self.events[-1].key))
        return self.context, self.built(reemitted)

    def _is_start(self, folder: str) -> bool:
        return path_hash(folder.rstrip("/") or "/") == self.context.folder


def usable_id(raw: msgspec.Raw | None) -> str | None:
    """Returns an id that is fit to be stored; None for an absent, empty or absurdly long one, or a non-text value."""
    return usable_name(text_of(raw))
