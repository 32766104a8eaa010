"""What must be remembered from one turn to the next."""

from __future__ import annotations

import msgspec


class Context(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of one document between two turns."""

    begun: bool = False
    """The lines above the first turn were read."""
    turns: int = 0
    last_ms: int = 0
    """Time of the last turn that had one: turns without one take it."""
    model: str | None = None
    name: str = ""
    """The tool of the last call, where nothing was said since."""
    command: bool = False
    """The last turn was a slash command of the user's."""
    title: str | None = None
    """Until it was emitted."""
    emitted_model: str | None = None
    """The model as it was last emitted."""
    folder: str | None = None
    """The folder that it was written in, as far as its paths show."""
    path: tuple[str, ...] = ()
    """Paths that it shows relative to that folder, the newest last."""
