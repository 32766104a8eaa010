"""How turns begin and end, and what a limit says."""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.adapter.event_builder import usable_folder, usable_name
from carryover.agents.codex import wire
from carryover.agents.codex.builder import Builder
from carryover.agents.codex.context import MAX_TURNS
from carryover.model import Retracted, TurnEnd
from carryover.records import rawjson
from carryover.records.fields import digest, iso_utc
from carryover.records.lenient import Fields, fields_of, inside, number_of, text_of
from carryover.records.resets import failed_turn

_LIMITS: Final = frozenset(("usage_limit_exceeded", "rate_limit_exceeded"))
_TOO_MANY: Final = 429
_USED_UP: Final = 100.0
_LATEST_S: Final = 253_402_300_799
_ASKED: Final = "prompt"
"""The kind by which prompts are counted in a turn."""
_ENDED_BY_USER: Final = frozenset(("interrupted", "replaced"))


def parse_started(builder: Builder, event: wire.TurnEvent) -> None:
    """`task_started`: a turn begins. One with a trigger is the user's, so a review that was running is over."""
    builder.start_turn(usable_name(event.turn_id), None)
    # In the file that asked for a review, the reviewer's turn begins too; that has no trigger.
    if text_of(inside(event.turn_attribution, "turn_trigger")):
        builder.change(review=False)


def parse_context(builder: Builder, payload: msgspec.Raw) -> None:
    """`turn_context`: the folder and the model of a turn. 0.99 writes one for each request, without a turn's id."""
    given = rawjson.part_of(payload, wire.TurnContext)
    if given is None:
        builder.skip("turn_context", "unexpected shape")
        return
    builder.learn(model=given.model)
    # The turn of a review has none, in the file that asked for it.
    builder.change(place=None, review=False)
    turn_id = usable_name(given.turn_id)
    builder.start_turn(turn_id if turn_id is not None else builder.turn.id, usable_folder(given.cwd))
    if builder.context.facts.parent is not None:
        # A fork starts with a hook, which comes before its prompt: whose history it has must be known by then.
        builder.emit_session_info()


def parse_settings(builder: Builder, applied: wire.SettingsApplied) -> None:
    """`thread_settings_applied`: where the next turn is. A thread that is resumed elsewhere says so first, and for
    `/compact`, a `!command` and a review nothing else does (0.169)."""
    place = usable_folder(text_of(inside(applied.thread_settings, "cwd")))
    if place is not None and applied.thread_id in (None, builder.context.thread):
        builder.change(place=place)


def parse_complete(builder: Builder, event: wire.TurnEvent) -> None:
    """`task_complete`. Only an error says more than the answer before it; clients up to 0.145 do not keep it."""
    builder.at_turn(event.turn_id)
    builder.change(review=False)
    if error := fields_of(event.error):
        _parse_error(builder, error)


def parse_aborted(builder: Builder, event: wire.TurnEvent) -> None:
    """`turn_aborted`. Only what the user ended is an event: `interrupted` (0.125, 0.169), `replaced` (read about)."""
    builder.at_turn(event.turn_id)
    builder.change(review=False)
    if event.reason in _ENDED_BY_USER:
        _end(builder, TurnEnd(reason="interrupted"))


def parse_rolled_back(builder: Builder, event: wire.RolledBack) -> None:
    """The user took the newest turns back. What was said in them no longer counts; what was done stays done, since the
    files are left as they are."""
    newest = builder.context.turns[-MAX_TURNS:]
    asked = [turn for turn in newest if turn.id is not None and turn.counts.get(_ASKED) and not turn.undone]
    for turn in asked[-event.num_turns :] if event.num_turns > 0 else ():
        builder.at_turn(turn.id)
        builder.add(Retracted(keys=builder.said_in_turn()), "undone", str(turn.id))
        builder.mark_turn(undone=True)


def parse_token_count(builder: Builder, payload: msgspec.Raw) -> None:
    """Remember when the limit that is used up ends."""
    limits = fields_of(inside(payload, "rate_limits"))
    ends = [
        resets_s
        for window in (fields_of(limits.get("primary")), fields_of(limits.get("secondary")))
        if (rawjson.part_of(window.get("used_percent", rawjson.ABSENT), float) or 0) >= _USED_UP
        if (resets_s := number_of(window.get("resets_at"))) is not None and 0 < resets_s <= _LATEST_S
    ]
    if max(ends, default=None) != builder.context.resets_s:
        builder.change(resets_s=max(ends, default=None))


def _parse_error(builder: Builder, error: Fields) -> None:
    limited = _is_limit(error.get("codex_error_info", rawjson.ABSENT))
    end = failed_turn(text_of(error.get("message")), builder.at_ms, limited=limited)
    if end.reason == "limit" and end.resets is None and builder.context.resets_s is not None:
        end = msgspec.structs.replace(end, resets=iso_utc(builder.context.resets_s * 1000))
    _end(builder, end)


def _is_limit(raw: msgspec.Raw) -> bool:
    """A plan's limit, or a provider that turned the client away with HTTP 429 until it gave up: a name, or an object of
    one name with the details."""
    statuses = (number_of(inside(detail, "http_status_code")) for detail in fields_of(raw).values())
    return text_of(raw) in _LIMITS or _TOO_MANY in statuses


def _end(builder: Builder, end: TurnEnd) -> None:
    # A turn ends once, however many records say so.
    if not builder.turn.counts.get("end"):
        builder.add(end, "end", digest(end.message))
