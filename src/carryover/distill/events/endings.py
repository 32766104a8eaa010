"""A turn that ended otherwise than by an answer: interrupted, failed, or at a usage limit."""

from __future__ import annotations

from msgspec.structs import replace

from carryover.distill.clip import clip
from carryover.distill.digest import Digest, Ending
from carryover.distill.events.turns import with_turn
from carryover.distill.language.prose import one_line
from carryover.distill.resets import resets_in
from carryover.model import Event, TurnEnd


def ending(digest: Digest, event: Event, body: TurnEnd) -> Digest:
    """The turn is not done, whatever was said in it."""
    cut_off = Ending(
        reason=body.reason,
        message=clip(one_line(body.message), chars=200),
        at_ms=event.at_ms,
        resets=resets_in(body.message, event.at_ms) if body.reason == "limit" else None,
    )
    return replace(with_turn(digest, end=body.reason, last_ms=event.at_ms), ending=cut_off)
