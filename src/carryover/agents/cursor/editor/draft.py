"""What one record of the editor's databases becomes: events with their identity, and the next context."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from carryover.adapter.contract import Folded
from carryover.agents.cursor.context import MAX_CONVERSATIONS, EditorContext, Told
from carryover.agents.cursor.editor.records import BubbleRecord, Conversation, StateRecord, TakenBackRecord
from carryover.agents.cursor.talk.context import MAX_CHANGES
from carryover.agents.cursor.terms.asked import MAX_QUESTIONS
from carryover.model import AnyBody, Event, PlanUpdate, SessionInfo, Skipped
from carryover.records import rawjson
from carryover.records.bounds import MAX_NAME_CHARS, MAX_PATH_CHARS
from carryover.records.identity import digest
from carryover.records.paths import is_absolute

PARTS: Final = (
    *("text", "call", "result", "todos", "failed", "end", "answer"),
    *(f"question{number}" for number in range(MAX_QUESTIONS)),
    *(f"edit{number}" for number in range(MAX_CHANGES)),
)
"""Every part of a bubble that may become an event."""


def key_of(ident: str, bubble_id: str, take: int, part: str) -> str:
    """The identity of an event. A bubble that comes back after it was taken back is another one."""
    return f"{ident}/{bubble_id}{f'~{take}' if take else ''}:{part}"


@dataclass(slots=True)
class Draft:
    """One record while it is folded. `folder`: the one the conversation works in, None while that is unknown."""

    conversation: Conversation
    context: EditorContext
    told: Told
    at_ms: int
    bubble: tuple[str, int] = ("", 0)
    events: list[Event] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    @classmethod
    def begin(cls, context: EditorContext, record: BubbleRecord | StateRecord | TakenBackRecord) -> Draft | None:
        """None where the record does not say of which conversation it is, or when."""
        told = record.conversation
        named = (told.id, told.parent if told.parent is not None else told.id)
        if not all(0 < len(name) <= MAX_NAME_CHARS for name in named) or not 0 < record.at_ms < 1 << 50:
            return None
        folders = tuple(path for path in told.folders if is_absolute(path) and len(path) <= MAX_PATH_CHARS)
        return cls(
            conversation=msgspec.structs.replace(told, folders=folders),
            context=context,
            told=context.told.get(told.id, Told()),
            at_ms=record.at_ms,
            bubble=(record.bubble_id, record.take) if isinstance(record, BubbleRecord) else ("", 0),
        )

    @property
    def ident(self) -> str:
        """The conversation's own id, which keys begin with."""
        return self.conversation.id

    @property
    def session(self) -> str:
        parent = self.conversation.parent
        return self.ident if parent is None else parent

    @property
    def sidechain(self) -> str | None:
        return None if self.conversation.parent is None else self.ident

    @property
    def folder(self) -> str | None:
        folders = self.conversation.folders
        if len(folders) == 1:
            return folders[0]
        return self.told.folder if self.told.folder in folders else None

    def learn_folder(self, paths: Iterable[str]) -> None:
        """Of several folders, the conversation works in the one that holds the first file it touches."""
        if self.folder is None and self.conversation.folders:
            found = (_holding(self.conversation.folders, path) for path in paths)
            if (folder := next(filter(None, found), None)) is not None:
                self._tell(folder=folder)

    def settle_folder(self) -> None:
        """A turn is over and touched no file: the first folder will do."""
        if self.folder is None and self.conversation.folders:
            self._tell(folder=self.conversation.folders[0], info=0)

    def add(self, body: AnyBody, part: str) -> None:
        """Add an event of a part of the bubble; `part` is one of PARTS."""
        self.add_as(key_of(self.ident, *self.bubble, part), body)

    def add_as(self, key: str, body: AnyBody) -> None:
        self.events.append(
            Event(
                key=key,
                session=self.session,
                at_ms=self.at_ms,
                body=body,
                cwd=self.folder,
                sidechain=self.sidechain,
            )
        )

    def skip(self, record_type: str, reason: str) -> None:
        """Count something that was not understood. `reason` never quotes the record."""
        self.skipped.append(rawjson.skipped(record_type, reason, None))

    def tell_facts(self) -> None:
        """Send what is known of the session, where that is news."""
        info = SessionInfo(title=self.conversation.name or None, model=self.conversation.model or None)
        mark = _mark(info)
        if mark != self.told.info and self.sidechain is None and (info.title or info.model or self.folder):
            self._tell(info=mark)
            self.add_as(f"{self.ident}/info/{self.at_ms}/{mark}", info)

    def tell_todos(self, plan: PlanUpdate) -> None:
        """Send the conversation's todo list, where that is news; an empty one only after one that was not."""
        mark = _mark(plan) if plan.items else 0
        if mark != self.told.todos:
            self._tell(todos=mark)
            self.add_as(f"{self.ident}/todos/{self.at_ms}/{mark}", plan)

    def folded(self) -> tuple[EditorContext, Folded]:
        """The next context and what the record became."""
        return self.context, Folded(events=tuple(self.events), skipped=tuple(self.skipped))

    def _tell(self, **changes: object) -> None:
        self.told = msgspec.structs.replace(self.told, **changes)
        others = {ident: told for ident, told in self.context.told.items() if ident != self.ident}
        newest = list(others.items())[-(MAX_CONVERSATIONS - 1) :]
        self.context = msgspec.structs.replace(self.context, told={**dict(newest), self.ident: self.told})


def _holding(folders: tuple[str, ...], path: str) -> str | None:
    """The folder that a path lies in; a relative one begins with the folder's name."""
    if not is_absolute(path):
        named = [folder for folder in folders if posixpath.basename(folder) == path.partition("/")[0]]
        return named[0] if len(named) == 1 else None
    holding = [folder for folder in folders if f"{path}/".startswith(f"{folder.rstrip('/')}/")]
    return max(holding, key=len, default=None)


def _mark(value: msgspec.Struct) -> int:
    return int(digest(msgspec.json.encode(value))[:12], 16)
