"""The editor's databases as the core reads them: context and cursor are stored between two reads."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from agents.cursor.stores import START_MS, Chat, EditorStore, say, user
from carryover.adapter.contract import Batch, Source
from carryover.agents.cursor import folding
from carryover.agents.cursor.context import Context
from carryover.agents.cursor.editor.reader import EditorReader
from carryover.model import AnyBody, AssistantMessage, Event, SessionInfo, Skipped, Undone, UserPrompt

LATER_MS = 1_800_000_000_000
"""Long after every made-up conversation."""


class Editor:
    """Reads `store` at the time `now_ms`, which a test sets."""

    def __init__(self, store: EditorStore, *, now_ms: int = LATER_MS) -> None:
        self.store = store
        self.now_ms = now_ms
        self.reader = EditorReader(lambda: self.now_ms)
        self.source = Source(agent="cursor", path=str(store.path))
        self.context = Context()
        self.cursor: bytes | None = None
        self.batches: list[Batch] = []
        self.events: list[Event] = []
        self.skipped: list[Skipped] = []

    def read(self) -> list[Event]:
        """Read what is there now; gives what it became, facts about the session aside."""
        before = len(self.events)
        while self.step().more:
            pass
        return [event for event in self.events[before:] if not isinstance(event.body, SessionInfo)]

    def bodies(self) -> list[AnyBody]:
        return [event.body for event in self.read()]

    def step(self) -> Batch:
        """Read one batch."""
        batch = self.reader.read(Path(self.source.path), self.cursor)
        self.batches.append(batch)
        self.cursor = batch.cursor
        for record in batch.records:
            self.context, folded = folding.fold(self.source, self.context, record)
            self.context = msgspec.json.decode(msgspec.json.encode(self.context), type=Context)
            self.events += folded.events
            self.skipped += folded.skipped
        return batch

    def standing(self) -> list[Event]:
        """What counts: without what was taken back, each once."""
        undone = {key for event in self.events if isinstance(event.body, Undone) for key in event.body.keys}
        known = {event.key: event for event in reversed(self.events)}
        left = [event for key, event in known.items() if key not in undone]
        return [event for event in reversed(left) if not isinstance(event.body, Undone | SessionInfo)]


def texts(bodies: Iterable[AnyBody]) -> list[str]:
    """What was said."""
    return [body.text for body in bodies if isinstance(body, UserPrompt | AssistantMessage)]


def short_chat(number: int, *, bubbles: int = 2) -> Chat:
    """A conversation of prompts and answers, an hour after the one before."""
    said = [user(f"prompt {number}.{at}") if at % 2 == 0 else say(f"answer {number}.{at}") for at in range(bubbles)]
    return Chat(name=f"chat {number}", bubbles=said, start_ms=START_MS + number * 3_600_000)
