"""One thing that is wrong: what it is, why it matters, what to do, and whether `--fix` may do it."""

from __future__ import annotations

from typing import Literal

import msgspec

Level = Literal["wrong", "note"]
"""wrong: something does not work as it should. note: nothing is wrong; worth knowing."""

Fix = Literal["hooks", "service", "restart", "permissions"]
"""What `--fix` can do. All of it can be done again and again, and takes nothing of the user's away."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was found."""

    check: str
    level: Level = "wrong"
    what: str
    why: str
    do: str
    """What to do, as a sentence; a command stands in backquotes."""
    fix: Fix | None = None
