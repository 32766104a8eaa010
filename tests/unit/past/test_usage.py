from __future__ import annotations

import asyncio

from msgspec.structs import replace

from carryover.clock import utc_now_ms
from carryover.model import TokensUsed, WindowUsed
from carryover.past.usage import used_since
from support.scribe import Scribe

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
NOW_MS = 20_000 * DAY + 12 * HOUR


def at(place: float) -> int:
    """The time (UTC ms) of a place, of which 3.0 is the beginning of today."""
    return int(NOW_MS - 12 * HOUR + (place - 3) * DAY)


async def test_only_limits_whose_window_is_open_are_shown_and_an_account_belongs_to_no_project(scribe: Scribe) -> None:
    real_ms = utc_now_ms()
    window = WindowUsed(name="5h", at_ms=real_ms, used_percent=43, minutes=300, resets_ms=real_ms + HOUR)
    over = replace(window, name="weekly", at_ms=real_ms - DAY, resets_ms=real_ms - HOUR)
    await scribe.commit(replace(scribe.prepared(scribe.event("add a cart", at_ms=at(1))), windows=(window, over)))

    [shown] = (await asyncio.to_thread(used_since, at(0), "agent", None)).windows
    assert (shown.agent_id, shown.name, shown.used_percent) == ("made-up", "5h", 43)
    assert (await asyncio.to_thread(used_since, at(0), "agent", "/repo")).windows == ()


async def test_what_used_most_comes_first_whatever_it_used_it_for(scribe: Scribe) -> None:
    def used(model: str, **numbers: int) -> TokensUsed:
        return TokensUsed(key=model, session="s1", at_ms=at(1), model=model, **numbers)

    tokens = (used("reads", input=50), used("keeps", cache_write=70), used("answers", output=60))
    await scribe.commit(replace(scribe.prepared(scribe.event("add a cart", at_ms=at(1))), tokens=tokens))

    rows = (await asyncio.to_thread(used_since, at(0), "model", None)).rows
    assert [row.name for row in rows] == ["keeps", "answers", "reads"]
