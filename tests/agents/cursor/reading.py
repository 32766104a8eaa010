"""Cursor's stores as the core reads them: context and cursor are stored between two reads, and what counts is kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from agents.cursor.chats import ID, SLUG
from agents.cursor.stores import EditorStore
from carryover.adapter.contract import Batch, Reader, Record, Source
from carryover.agents.cursor.adapter import AGENT
from carryover.agents.cursor.calls import CursorContext
from carryover.agents.cursor.chats import chat_reader, lines_reader
from carryover.agents.cursor.editor import editor_reader
from carryover.model import AnyBody, AssistantMessage, Event, SessionInfo, Skipped, UserPrompt
from contract.case import Reading, fold_into, of, read_on

LATER_MS = 1_800_000_000_000
"""Long after every synthetic conversation."""


class Told:
    """What came of reading one source again and again. `standing` is what counts of it now."""

    def __init__(self, reader: Reader, path: Path, **source: Any) -> None:
        self.reader = reader
        self.source = Source(agent="cursor", path=str(path), **source)
        self.reading = Reading(context=CursorContext())

    def read(self) -> list[Event]:
        """Read what is there now; gives what is new or another than before, facts about the session aside."""
        before = {event.key: event.body for event in self.standing}
        read_on(replace(AGENT, reader=self.reader), self.source, self.reading)
        return [event for event in self.counts if before.get(event.key) != event.body]

    def bodies(self) -> list[AnyBody]:
        return [event.body for event in self.read()]

    def fold_in(self, *records: Record) -> None:
        """Fold records of one batch."""
        fold_into(AGENT, self.source, self.reading, records)

    @property
    def standing(self) -> list[Event]:
        return self.reading.events

    @property
    def skipped(self) -> list[Skipped]:
        return self.reading.skipped

    @property
    def batches(self) -> list[Batch]:
        return self.reading.batches

    @property
    def counts(self) -> list[Event]:
        """What counts, facts about the session aside."""
        return [event for event in self.standing if not isinstance(event.body, SessionInfo)]

    @property
    def texts(self) -> list[str]:
        """What was said and counts."""
        return texts(event.body for event in self.counts)

    @property
    def infos(self) -> list[SessionInfo]:
        """The facts about sessions."""
        return of(self.standing, SessionInfo)

    @property
    def oversized(self) -> int:
        return sum(batch.oversized for batch in self.batches)

    @property
    def records(self) -> list[Record]:
        return [record for batch in self.batches for record in batch.records]


class Editor(Told):
    """Reads `store` at the time `now_ms`, which a test sets."""

    def __init__(self, store: EditorStore, *, now_ms: int = LATER_MS) -> None:
        self.now_ms = now_ms
        super().__init__(editor_reader(lambda: self.now_ms), store.path)


def chat_at(path: Path) -> Told:
    """Reads the terminal client's chat."""
    return Told(chat_reader(), path, session=path.parent.name)


def transcript_at(path: Path, *, subagent_id: str | None = None) -> Told:
    """Reads a transcript."""
    return Told(lines_reader(), path, session=ID, subagent_id=subagent_id, group=SLUG)


def texts(bodies: Iterable[AnyBody]) -> list[str]:
    """What was said."""
    return [body.text for body in bodies if isinstance(body, UserPrompt | AssistantMessage)]
