"""What must be remembered of a chat of VS Code from one record to the next."""

from __future__ import annotations

from typing import Final

import msgspec

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
