"""The agent's todo list, and written plans that wait for the user's word."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from carryover.distill.clip import clip
from carryover.distill.digest import Digest
from carryover.distill.events.turns import with_turn
from carryover.distill.language.prose import one_line
from carryover.model import Event, PlanProposal, PlanUpdate
from carryover.text.markdown import plain

_MOST_ITEMS: Final = 40


def plan(digest: Digest, event: Event, body: PlanUpdate) -> Digest:
    """The list as it is now."""
    items = tuple(replace(item, text=clip(one_line(item.text), chars=160)) for item in body.items[:_MOST_ITEMS])
    return replace(digest, plan=items, plan_ms=event.at_ms, plan_turn=digest.prompts)


def proposal(digest: Digest, event: Event, body: PlanProposal) -> Digest:  # noqa: ARG001
    """Kept by its heading until the user has ruled on it; an accepted one is what the work goes by from then on."""
    heading = clip(plain(next((line for line in body.text.splitlines() if line.strip()), "a plan")), chars=160)
    if body.accepted is None:
        return replace(digest, proposal=heading)
    if not body.accepted:
        return replace(digest, proposal=None)
    return with_turn(replace(digest, proposal=None), accepted_plan=heading)
