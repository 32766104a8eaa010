"""A piece of a document: what may be left out as one."""

from __future__ import annotations

import msgspec

from carryover.redact import CleanText


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """One line or block. The higher its `rank`, the sooner it is left out; rank 0 always stays."""

    section: str
    text: CleanText
    rank: int
    label: str
    """What it is called where it was left out; pieces with the same label are counted together."""
    shorter: CleanText | None = None
    """What takes its place where it is too long."""
    share: float = 0.4
    """Of the budget, the most that it may take in its full form: one file must not take the place of all others."""
    part: str = "a part"
    """What `shorter` holds of it."""
    path: str | None = None
    """The file that it shows."""
