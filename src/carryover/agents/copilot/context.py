"""What must be remembered from one record to the next. Small and bounded: it is stored with the cursor."""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.adapter import event_builder
from carryover.agents.copilot.vscode_context import ChatContext

MAX_OPEN_CALLS: Final = 100
MAX_CHANGES: Final = 20
"""Of one call, while its result is awaited."""
MAX_THREADS: Final = 60


class OpenCall(event_builder.OpenCall, frozen=True, omit_defaults=True):
    """A tool call whose result has not come yet."""

    subagent_id: str | None = None
    label: str = ""
    """What the model called it."""


class Facts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of a session."""

    title: str | None = None
    agent_version: str | None = None
    model: str | None = None
    branch: str | None = None
    parent: str | None = None


class LogContext(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of a log of events (`events.jsonl`)."""

    session: str | None = None
    cwd: str | None = None
    """The folder the session works in."""
    last_ms: int = 0
    """Time of the last record that had one: records without one take it."""
    calls: tuple[OpenCall, ...] = ()
    facts: Facts = Facts()
    told: Facts = Facts()
    """The facts as they were last sent."""
    last: dict[str, bytes] = {}
    """By thread ("" for the main one) the key of the last event; bytes, since a text might be taken for a secret."""
    compacted: bool = False
    """A compaction has taken out of the conversation what a start put into it, and no prompt has come since."""


class Context(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of one source between two records. Each kind of source has a part."""

    log: LogContext = LogContext()
    chat: ChatContext = ChatContext()
