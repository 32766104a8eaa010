"""What is remembered of a chat of VS Code, and the events that one of its records becomes: keys, times, folder."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import msgspec

from carryover.adapter.contract import Parsed, Reemitted
from carryover.adapter.event_builder import EventBuilder
from carryover.agents.copilot.vscode_wire import Chat
from carryover.model import AnyBody
from carryover.records.fields import LATEST_MS, MAX_NAME_CHARS, MAX_PATH_CHARS, is_absolute

MAX_THREADS: Final = 60


class ThreadContext(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was emitted of a thread."""

    last: bytes | None = None
    """Key of the last event; bytes, since a text might be taken for a secret."""
    last_ms: int = 0
    info: int = 0
    """Fingerprint of the facts about the session as they were last emitted."""
    folder: str | None = None
    """The folder that the chat works in, where its window has several or none."""


class ChatContext(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of a chat: its threads, those emitted last."""

    threads: dict[str, ThreadContext] = {}


@dataclass(slots=True, kw_only=True)
class ChatBuilder(EventBuilder[ChatContext]):
    """One record while it is parsed."""

    chat: Chat

    @classmethod
    def of(cls, context: ChatContext, chat: Chat) -> ChatBuilder | None:
        """A record of a thread of a chat; None where its id cannot be used."""
        if not all(0 < len(name) <= MAX_NAME_CHARS for name in (chat.session, chat.subagent or chat.session)):
            return None
        folders = tuple(path for path in chat.folders if is_absolute(path) and len(path) <= MAX_PATH_CHARS)
        return cls(context=context, chat=msgspec.structs.replace(chat, folders=folders))

    @property
    def thread(self) -> ThreadContext:
        """What is remembered of the thread."""
        return self.context.threads.get(self.chat.thread, ThreadContext())

    def remember(self, **changes: object) -> None:
        """Replaces fields of what is remembered of the thread."""
        threads = dict(self.context.threads)
        threads.pop(self.chat.thread, None)
        while len(threads) >= MAX_THREADS:  # the main thread stays: the others share its folder
            del threads[next(name for name in threads if name != self.chat.session)]
        threads[self.chat.thread] = msgspec.structs.replace(self.thread, **changes)
        self.change(threads=threads)

    def add(self, body: AnyBody, key: str, at_ms: int) -> None:
        """Adds an event, never before the one before it. Its key begins with the chat, since an imported one may
        repeat the requests of another."""
        self.at_ms = min(max(at_ms, self.thread.last_ms), LATEST_MS)
        self.remember(last_ms=self.at_ms)
        key = f"{self.chat.thread}/{key}"
        self.append(key, body, session=self.chat.session, cwd=self.folder, subagent_id=self.chat.subagent)

    @property
    def folder(self) -> str | None:
        """The folder that the chat works in, None while that is unknown."""
        folders = self.chat.folders
        main = self.context.threads.get(self.chat.session, ThreadContext())
        return folders[0] if len(folders) == 1 else self.thread.folder or main.folder

    def learn_folder(self, paths: Iterable[str], *, are_files: bool = False) -> None:
        """Remembers the folder of a chat whose window has several, or none: that of the first file that it names."""
        if self.folder is not None:
            return
        folders = self.chat.folders
        for path in paths:
            holding = [folder for folder in folders if f"{path}/".startswith(f"{folder.rstrip('/')}/")]
            found = max(holding, key=len, default=None)
            if found is None and not folders and are_files:
                found = posixpath.dirname(path)
            if found is not None:
                self.remember(folder=found)
                return

    def parsed(self, reemitted: Reemitted | None = None) -> tuple[ChatContext, Parsed]:
        """The next context and what the record became."""
        if self.events:
            self.remember(last=self.last_key)
        return self.context, self.built(reemitted)
