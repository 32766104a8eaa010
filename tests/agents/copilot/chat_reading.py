"""Reads chats of VS Code the way the core does."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from agents.copilot.chats import Json, Window, chat, request
from carryover.adapter.contract import Agent, Source
from carryover.agents.copilot.adapter import AGENT
from carryover.agents.copilot.vscode_reader import ChatReader
from carryover.distill.stored_digest import DigestReducer
from carryover.facts import ProjectRoot
from carryover.ingest.pipeline import ingest
from carryover.ledger.queries import connect_read_only, session_by_prefix, session_events
from carryover.ledger.store import Ledger
from carryover.model import AnyBody, Event, SessionInfo, Skipped
from contract.case import Reading, read_on

T = TypeVar("T", bound=AnyBody)


class ChatReading:
    """A chat that is read again and again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._agent: Agent = replace(AGENT, reader=ChatReader())
        self._source = Source(agent=AGENT.id, path=str(path))
        self._reading: Reading | None = None

    def read(self) -> list[Event]:
        """What counts now."""
        self._reading = read_on(self._agent, self._source, self._reading)
        return self._reading.events

    @property
    def skipped(self) -> list[Skipped]:
        assert self._reading is not None
        return self._reading.skipped

    @property
    def cursor(self) -> bytes | None:
        """Where the last read ended."""
        return None if self._reading is None else self._reading.cursor

    def bodies(self, kind: type[T]) -> list[T]:
        """The bodies of one kind, after a read."""
        return [event.body for event in self.read() if isinstance(event.body, kind)]


def events(window: Window, *requests: Json, **more: Any) -> list[Event]:
    """The events of a chat at rest."""
    return ChatReading(window.store(chat("any", *requests, **more))).read()


def bodies(window: Window, kind: type[T], *requests: Json, **more: Any) -> list[T]:
    """Their bodies of one kind."""
    return [event.body for event in events(window, *requests, **more) if isinstance(event.body, kind)]


def answered(window: Window, kind: type[T], *parts: Json, **more: Any) -> list[T]:
    """The bodies of one kind in a chat whose one answer has these parts."""
    return bodies(window, kind, request("Go.", *parts, **more))


LATER_MS = 4_000_000_000_000


async def counted(ledger_path: Path, sources: Iterable[Source], session: str) -> list[AnyBody]:
    """What counts of a session in a ledger after these sources were read, without facts about the session."""
    ledger = await Ledger.open(ledger_path, DigestReducer())
    try:
        for source in sources:
            result = await ingest(ledger, AGENT, source, root_of=ProjectRoot, now_ms=lambda: LATER_MS)
            assert result.error is None
    finally:
        await ledger.close()
    with closing(connect_read_only(ledger_path)) as db:
        events = session_events(db, session_by_prefix(db, session))
        return [event.body for event in events if not event.retracted and not isinstance(event.body, SessionInfo)]


def source_at(path: Path) -> Source:
    root = next(folder for folder in path.parents if AGENT.source_of(path, folder) is not None)
    source = AGENT.source_of(path, root)
    assert source is not None
    return source
