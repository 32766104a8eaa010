"""What is remembered between two records of an agent's log, and how events are made of one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

import msgspec

from carryover.adapter.contract import Parsed, Source
from carryover.adapter.event_builder import EventBuilder, OpenCall, SessionContext
from carryover.model import AnyBody, AssistantMessage, Question, Retracted, TurnEnd, UserPrompt
from carryover.records.lenient import Fields

FACTS: Final = "$facts"
"""Type of the record that the reader adds."""
MOST_TURNS: Final = 50
_SAID: Final = (AssistantMessage, Question, TurnEnd, UserPrompt)


class Context(SessionContext, frozen=True, omit_defaults=True):
    """The state of one agent of a session between two records."""

    forked_ms: int = 0
    """When the session was forked from another: what is older is a copy. 0 if it was not."""
    calls: tuple[OpenCall, ...] = ()
    typed: OpenCall | None = None
    """A command of the user's whose output has not come yet."""
    turns: tuple[tuple[bytes, ...], ...] = ()
    """Keys of each prompt and what was said until the next one, as bytes, since text might be taken for a secret."""


@dataclass(slots=True, kw_only=True)
class Builder(EventBuilder[Context]):
    """Builds the events of one record."""

    source: Source
    line: Fields

    @property
    def session(self) -> str:
        """The session's id."""
        return self.source.session or PurePosixPath(self.source.path).stem

    @property
    def is_copy(self) -> bool:
        """Whether the record was copied from the session that this one was forked from."""
        return self.at_ms < self.context.forked_ms

    @property
    def origin(self) -> str:
        """The session that the record was written for first."""
        parent = self.context.facts.parent if self.is_copy else None
        return parent or self.session

    def add(self, body: AnyBody, key: str) -> None:
        """Adds an event. A copy's belongs to the session that it was copied from."""
        if not self.at_ms:
            self.skip("record", "no time")
            return
        parent = self.context.facts.parent if self.is_copy else None
        cwd, subagent_id = self.context.cwd, self.source.subagent_id
        key = f"{subagent_id}/{key}" if subagent_id else key
        self.append(key, body, session=parent or self.session, cwd=cwd, subagent_id=subagent_id)
        if parent is not None:
            self.events[-1] = msgspec.structs.replace(self.events[-1], copied=True)
        if isinstance(body, _SAID) and self.context.turns:
            *others, newest = self.context.turns
            self.change(turns=(*others, (*newest, key.encode("utf-8", "replace"))[-MOST_TURNS:]))

    def undo(self, count: int) -> None:
        """Takes back the last turns."""
        gone = self.context.turns[-count:] if count > 0 else ()
        keys = tuple(key.decode("utf-8", "replace") for turn in gone for key in turn)
        self.change(turns=self.context.turns[: len(self.context.turns) - len(gone)])
        if keys:
            self.add(Retracted(keys=keys), f"undo/{self.at_ms}")

    def parsed(self) -> tuple[Context, Parsed]:
        """Returns the next context and the result of the record, facts about the session first."""
        if self.events:
            self.change(last_ms=max(self.at_ms, self.context.last_ms))
        if self.events and not self.is_copy and self.source.subagent_id is None:
            self.put_news_first(self.session, self.context.cwd)
        return self.context, self.built()
