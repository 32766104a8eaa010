"""The parser's state between records: small and bounded, since it is stored with the cursor."""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.adapter import event_builder
from carryover.agents.copilot.todos import Todo

MAX_CHANGES: Final = 20
"""Most changes kept for one call until its result comes."""


class OpenCall(event_builder.OpenCall, frozen=True, omit_defaults=True):
    """A tool call whose result has not come yet."""

    thread: str = ""
    """The sub-agent that made the call, if any."""
    question: str = ""
    query: str = ""
    """The SQL by which the call changes the todo list."""
    process: str | None = None
    """The shell that it left running or uses."""
    denied: bool = False
    """Whether the user rejected the call."""
    words: str = ""
    """The user's answer to the question."""


class LogContext(event_builder.SessionContext, frozen=True, omit_defaults=True):
    """The state of a session's log between two records. `cwd`: the folder the session works in."""

    folder: str | None = None
    """The project it began in. Work in another project belongs to another session, since a session has one project."""
    place: str | None = None
    """The project it works in now."""
    calls: tuple[OpenCall, ...] = ()
    todos: tuple[Todo, ...] = ()
    compacted_ms: int = 0
    """Time of a compaction that removed a hook's text from the conversation, if no prompt has come since."""


class ChatContext(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of a VS Code chat between two records."""

    last: bytes | None = None
    """Key of the last event. Bytes, since text might be taken for a secret."""
    last_ms: int = 0
    info: int = 0
    """Fingerprint of the facts about the session as they were last emitted."""
    folder: str | None = None
    """The folder that the chat works in, if its window has several or none."""


class Context(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of one source between two records, with a part for each kind of source."""

    log: LogContext = LogContext()
    chat: ChatContext = ChatContext()
