"""What must be remembered from one record to the next. Small and bounded: it is stored with the cursor."""

from __future__ import annotations

from typing import Final

import msgspec

MAX_SESSIONS: Final = 60
MAX_CHANGES: Final = 20
"""Of one call."""


class Reported(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was reported of one session."""

    last: bytes | None = None
    """Key of the last event; bytes, since a text might be taken for a secret."""
    last_ms: int = 0
    facts: int = 0
    """Stands for the facts that were reported last. A number: a digest in letters looks like a secret."""
    model: int = 0
    """Stands for the model that was reported last."""
    shell: bytes = b""
    """Id of the last user message by which a person ran a shell command."""
    compacted_by: bytes = b""
    """`auto` or `manual`, once a compaction was requested."""


class Context(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of one source between two records."""

    reported: dict[str, Reported] = {}
    """The sessions whose records came last."""
