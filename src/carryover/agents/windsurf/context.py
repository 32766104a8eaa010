"""What must be remembered from one record to the next. Small and bounded: it is stored with the cursor."""

from __future__ import annotations

import msgspec


class Context(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of one conversation between two records."""

    cwd: str | None = None
    """The workspace that its hooks ran in, or a folder that is known to be in it."""
    last_ms: int = 0
    """Time of the last record: records without one come a millisecond later."""
    last: bytes | None = None
    """Key of the last event; bytes, because redaction may take a text of that form for a secret."""
    model: str | None = None
