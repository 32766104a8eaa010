"""A line of a section, with where it came from."""

from __future__ import annotations

import msgspec

from carryover.distill.work.state import Item


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a line says, the rule that chose it, and the turn it was said in (0: none, it comes from outside)."""

    text: str
    rule: str
    session: str = ""
    turn: int = 0
    at_ms: int = 0


def entry_of(item: Item, text: str | None = None, *, rule: str | None = None) -> Entry:
    """The line for an item of the work, in its own words unless `text` gives others."""
    return Entry(
        text=item.text if text is None else text,
        rule=item.rule if rule is None else rule,
        session=item.session,
        turn=item.turn,
        at_ms=item.at_ms,
    )
