"""What a thread of Codex took in tokens, and how much of its limits is used up."""

from __future__ import annotations

from typing import Final

import msgspec

from carryover import model
from carryover.agents.codex.rollout import Rollout
from carryover.records.lenient import fields_of, number_of, read_as

TOKENS: Final = "event_msg/token_count"


def handle_tokens(rollout: Rollout) -> None:
    """Handles `token_count`, which is written after each request, and again whenever the limits change.

    The total of the thread tells a repeated record from a new one. What came from the cache is part of the input, as
    reasoning is of the output.
    """
    info = rollout.data.get("info")
    last = fields_of(fields_of(info).get("last_token_usage"))
    total = fields_of(fields_of(info).get("total_token_usage"))
    before = rollout.context.used
    rollout.change(used=rollout.total or before)
    if last and total and rollout.context.used != before:
        whole = number_of(last.get("input_tokens")) or 0
        read = number_of(last.get("cached_input_tokens")) or 0
        counts = [number_of(total.get(name)) for name in ("input_tokens", "cached_input_tokens", "output_tokens")]
        rollout.count_tokens(
            "/".join([rollout.thread, *map(str, counts)]),
            session=rollout.session,
            model=rollout.context.facts.model,
            input=whole - min(read, whole),
            output=number_of(last.get("output_tokens")),
            cache_read=min(read, whole),
        )
    limits = fields_of(rollout.data.get("rate_limits"))
    for name in ("primary", "secondary"):
        window = fields_of(limits.get(name))
        used = read_as(window.get("used_percent"), float)
        at_s, in_s = number_of(window.get("resets_at")), number_of(window.get("resets_in_seconds"))
        resets_ms = at_s * 1000 if at_s is not None else None if in_s is None else rollout.at_ms + in_s * 1000
        minutes = number_of(window.get("window_minutes"))
        if used is not None and rollout.at_ms:
            window_used = model.WindowUsed(name=name, at_ms=rollout.at_ms, used_percent=used)
            rollout.windows.append(msgspec.structs.replace(window_used, minutes=minutes, resets_ms=resets_ms))
