"""Reads what was written of a conversation as the core does, and says what counts in the end."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from agents.windsurf.talks import Talk, put, spool_of, transcripts_of
from carryover.agents.windsurf.adapter import AGENT
from carryover.model import AnyBody, AssistantMessage, Event, UserPrompt
from contract.case import Reading, Recording, read_on, source_at

B = TypeVar("B", bound=AnyBody)


class Store:
    """A home folder with a state folder in it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.reading: Reading | None = None

    def transcript(self, talk: Talk) -> Path:
        """Writes the transcript as it would be now."""
        return put(transcripts_of(self.home) / f"{talk.id}.jsonl", talk.transcript())

    def read(self, talk: Talk, *, data: bytes | None = None) -> list[Event]:
        """What counts of a conversation once its spool was read on."""
        root = spool_of(self.home / ".carryover")
        path = put(root / f"{talk.id}.jsonl", talk.spooled() if data is None else data)
        self.reading = read_on(AGENT, source_at(AGENT, Recording(path, root)), self.reading)
        return in_order(self.reading.events)


def in_order(events: Iterable[Event]) -> list[Event]:
    return sorted(events, key=lambda event: event.at_ms)


def bodies(events: Iterable[Event], kind: type[B]) -> list[B]:
    return [event.body for event in events if isinstance(event.body, kind)]


def texts_of(events: Iterable[Event]) -> list[str]:
    """Prompts and answers, in the order of their times."""
    return [event.body.text for event in events if isinstance(event.body, UserPrompt | AssistantMessage)]
