"""How turns begin and end, and what a limit says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, Literal

import msgspec

from carryover.agents.codex import wire
from carryover.agents.codex.context import MAX_TURNS
from carryover.agents.codex.draft import Draft, folder, named
from carryover.model import Retracted, TurnEnd
from carryover.records import rawjson
from carryover.records.identity import digest

_LIMITS: Final = frozenset(("usage_limit_exceeded", "rate_limit_exceeded"))
_TOO_MANY: Final = 429
_USED_UP: Final = 100.0
_LATEST_S: Final = 253_402_300_799
_SAYS_WHEN: Final = "try again"
_ASKED: Final = "prompt"
"""The kind by which prompts are counted in a turn."""
_ENDED_BY_USER: Final = frozenset(("interrupted", "replaced"))


def fold_started(draft: Draft, event: wire.TurnEvent) -> None:
    draft.start_turn(named(event.turn_id), None)
    attribution = rawjson.part_of(event.turn_attribution, wire.Attribution)
    # In the file that asked for a review, the reviewer's turn begins too; that has no trigger.
    if attribution is not None and attribution.turn_trigger is not None:
        draft.change(review=False)


def fold_context(draft: Draft, payload: msgspec.Raw) -> None:
    """`turn_context`: the folder and the model of a turn. 0.99 writes one for each request, without a turn's id."""
    told = rawjson.part_of(payload, wire.TurnContext)
    if told is None:
        draft.skip("turn_context", "unexpected shape")
        return
    draft.learn(model=told.model)
    # The turn of a review has none, in the file that asked for it.
    draft.change(place=None, review=False)
    turn_id = named(told.turn_id)
    draft.start_turn(turn_id if turn_id is not None else draft.turn.id, folder(told.cwd))
    if draft.context.facts.parent is not None:
        # A fork starts with a hook, which comes before its prompt: whose history it has must be known by then.
        draft.tell_facts()


def fold_settings(draft: Draft, applied: wire.SettingsApplied) -> None:
    """`thread_settings_applied`: where the next turn is. A thread that is resumed elsewhere tells it so first, and for
    `/compact`, a `!command` and a review nothing else does (0.169)."""
    settings = rawjson.part_of(applied.thread_settings, wire.Settings)
    if settings is not None and applied.thread_id in (None, draft.context.thread):
        draft.change(place=folder(settings.cwd) or draft.context.place)


def fold_complete(draft: Draft, event: wire.TurnEvent) -> None:
    """`task_complete`. Only an error says more than the answer before it; clients up to 0.145 do not keep it."""
    draft.at_turn(event.turn_id)
    draft.change(review=False)
    error = rawjson.part_of(event.error, wire.TurnError)
    if error is not None:
        _fold_error(draft, error)


def fold_aborted(draft: Draft, event: wire.TurnEvent) -> None:
    draft.at_turn(event.turn_id)
    draft.change(review=False)
    if event.reason in _ENDED_BY_USER:
        _end(draft, "interrupted", "")


def fold_rolled_back(draft: Draft, event: wire.RolledBack) -> None:
    """The user took the newest turns back. What was said in them no longer counts; what was done stays done, since the
    files are left as they are."""
    newest = draft.context.turns[-MAX_TURNS:]
    asked = [turn for turn in newest if turn.id is not None and turn.counts.get(_ASKED) and not turn.undone]
    for turn in asked[-event.num_turns :] if event.num_turns > 0 else ():
        draft.at_turn(turn.id)
        draft.add(Retracted(keys=draft.said_in_turn()), "undone", str(turn.id))
        draft.mark_turn(undone=True)


def fold_token_count(draft: Draft, payload: msgspec.Raw) -> None:
    """Remember when the limit that is used up ends."""
    count = rawjson.part_of(payload, wire.TokenCount) or wire.TokenCount()
    limits = rawjson.part_of(count.rate_limits, wire.RateLimits) or wire.RateLimits()
    windows = [rawjson.part_of(raw, wire.Window) for raw in (limits.primary, limits.secondary)]
    ends = [
        resets_s
        for window in windows
        if window is not None and window.used_percent >= _USED_UP
        if (resets_s := wire.whole_number(window.resets_at)) is not None and 0 < resets_s <= _LATEST_S
    ]
    if max(ends, default=None) != draft.context.resets_s:
        draft.change(resets_s=max(ends, default=None))


def _fold_error(draft: Draft, error: wire.TurnError) -> None:
    if not _is_limit(error.codex_error_info):
        _end(draft, "error", error.message)
        return
    message = error.message
    if _SAYS_WHEN not in message and draft.context.resets_s is not None:
        at = datetime.fromtimestamp(draft.context.resets_s, UTC)
        message = f"{message} It resets {at:%b} {at.day}, {at:%H:%M} UTC.".strip()
    _end(draft, "limit", message)


def _is_limit(raw: msgspec.Raw) -> bool:
    """A plan's limit, or a provider that turned the client away with HTTP 429 until it gave up."""
    name = rawjson.string_of(raw)
    if name is not None:
        return name in _LIMITS
    by_name = rawjson.part_of(raw, dict[str, msgspec.Raw]) or {}
    statuses = (rawjson.part_of(detail, wire.HttpStatus) for detail in by_name.values())
    return any(status is not None and status.http_status_code == _TOO_MANY for status in statuses)


def _end(draft: Draft, reason: Literal["interrupted", "error", "limit"], message: str) -> None:
    # A turn ends once, whoever says so again.
    if not draft.turn.counts.get("end"):
        draft.add(TurnEnd(reason=reason, message=message), "end", digest(message))
