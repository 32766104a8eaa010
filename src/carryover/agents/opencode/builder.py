"""Turns one record into events with keys, and the next context."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from carryover.adapter.contract import Parsed, Reemitted
from carryover.adapter.event_builder import EventBuilder, usable_folder
from carryover.agents.opencode.tools import UNTITLED
from carryover.agents.opencode.wire import MAX_SESSIONS, Context, Reported, Session, is_usable_id
from carryover.model import Actor, AnyBody, SessionInfo
from carryover.records.fields import SHORT_CHARS, bounded, digest


@dataclass(slots=True, kw_only=True)
class Builder(EventBuilder[Context]):
    """Builds the events of one record. `native` is the session as the store describes it.

    A sub-agent has its own session in the store; here it belongs to the session that it works for.
    """

    native: Session

    @classmethod
    def of(cls, context: Context, native: Session) -> Builder | None:
        """Returns a builder for a record of a session; None if the session's id can't be used."""
        if not is_usable_id(native.id) or not is_usable_id(native.root or native.id):
            return None
        return cls(context=context, native=native, version=native.version)

    @property
    def session(self) -> str:
        """The session that the record belongs to."""
        return self.native.root or self.native.id

    @property
    def subagent_id(self) -> str | None:
        """The sub-agent that the record belongs to; None for a main conversation."""
        return self.native.id if self.native.root is not None else None

    @property
    def actor(self) -> Actor:
        """Who speaks in the user role: in a sub-agent, a model."""
        return "human" if self.native.root is None else "model"

    @property
    def cwd(self) -> str | None:
        """The folder that the session was started in."""
        return usable_folder(self.native.directory)

    @property
    def is_known(self) -> bool:
        """Whether facts about the session were emitted before and are still remembered."""
        return self.native.id in self.context.reported

    @property
    def reported(self) -> Reported:
        """The facts about the session that were emitted so far."""
        return self.context.reported.get(self.native.id, Reported())

    def report(self, **changes: object) -> None:
        """Updates the facts that were emitted about the session."""
        self._note(msgspec.structs.replace(self.reported, **changes))

    def forget(self) -> None:
        """Forgets what was emitted of the session, which is read from its start again."""
        self._note(Reported())

    def add(self, body: AnyBody, key: str) -> None:
        """Adds an event under a key, unless no time is known."""
        if self.at_ms:
            self.append(key, body, session=self.session, cwd=self.cwd, subagent_id=self.subagent_id)

    def add_info(self, model: str | None = None) -> None:
        """Adds the facts about the session that are new. `model` is the one of this message."""
        if self.subagent_id is not None or not self.at_ms:
            return
        title = self.native.title
        facts = SessionInfo(
            title=None if title is None or title.startswith(UNTITLED) else bounded(title, SHORT_CHARS),
            agent_version=self.native.version,
            parent=self.native.forked_from,
        )
        facts_mark, model_mark = _mark(facts), _mark(model) if model else self.reported.model
        news = facts if facts_mark != self.reported.facts else SessionInfo()
        if model and model_mark != self.reported.model:
            news = msgspec.structs.replace(news, model=bounded(model, SHORT_CHARS))
        if news != SessionInfo():
            self.report(facts=facts_mark, model=model_mark)
            key = f"{self.native.id}/info/{self.at_ms}/{_mark(news):x}"
            self.append(key, news, session=self.session, cwd=self.cwd)

    def parsed(self, reemitted: Reemitted | None = None) -> tuple[Context, Parsed]:
        """Returns the next context and the result of the record."""
        if self.events:
            self.report(last=self.last_key)
        return self.context, self.built(reemitted)

    def _note(self, reported: Reported) -> None:
        known = dict(self.context.reported)
        known.pop(self.native.id, None)
        known[self.native.id] = reported
        while len(known) > MAX_SESSIONS:
            del known[next(iter(known))]
        self.change(reported=known)


def _mark(value: object) -> int:
    return int(digest(msgspec.json.encode(value))[:12], 16)
