"""Reads what `token_count` says: the tokens of the last request, and how much of the user's limits is used up."""

from __future__ import annotations

from typing import Final

from carryover.agents.codex.builder import Builder
from carryover.model import WindowUsed
from carryover.records.lenient import Fields, fields_of, inside, number_of, read_as
from carryover.records.rawjson import ABSENT

_WINDOWS: Final = ("primary", "secondary")


def parse_token_count(builder: Builder) -> None:
    """Handles `token_count`, which is written after each request, and again whenever the limits change.

    The total of the thread tells a repeated record from a new one. What came from the cache is part of the input, as
    reasoning is of the output.
    """
    info = builder.data.get("info")
    last = fields_of(fields_of(info).get("last_token_usage"))
    total = fields_of(fields_of(info).get("total_token_usage"))
    before = builder.context.used
    builder.change(used=total_in(builder.data) or before)
    if last and total and builder.context.used != before:
        whole = number_of(last.get("input_tokens")) or 0
        read = number_of(last.get("cached_input_tokens")) or 0
        counts = [number_of(total.get(name)) for name in ("input_tokens", "cached_input_tokens", "output_tokens")]
        builder.count_tokens(
            "/".join([builder.thread, *map(str, counts)]),
            session=builder.session,
            model=builder.context.facts.model,
            input=whole - min(read, whole),
            output=number_of(last.get("output_tokens")),
            cache_read=min(read, whole),
        )
    limits = fields_of(builder.data.get("rate_limits"))
    for name in _WINDOWS:
        _add_window(builder, name, fields_of(limits.get(name)))


def total_in(data: Fields) -> int:
    """Returns all tokens of the thread so far; 0 if the record does not say."""
    return number_of(inside(data.get("info", ABSENT), "total_token_usage", "total_tokens")) or 0


def _add_window(builder: Builder, name: str, window: Fields) -> None:
    used = read_as(window.get("used_percent"), float)
    if used is None or not builder.at_ms:
        return
    resets_s = number_of(window.get("resets_at"))
    in_s = number_of(window.get("resets_in_seconds"))
    resets_ms = None
    if resets_s is not None:
        resets_ms = resets_s * 1000
    elif in_s is not None:
        resets_ms = builder.at_ms + in_s * 1000
    minutes = number_of(window.get("window_minutes"))
    builder.windows.append(
        WindowUsed(name=name, at_ms=builder.at_ms, used_percent=used, minutes=minutes, resets_ms=resets_ms)
    )
