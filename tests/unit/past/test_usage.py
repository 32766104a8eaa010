from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from carryover.errors import UserError
from carryover.model import TokensUsed, WindowUsed
from carryover.past.context import now_ms
from carryover.past.types import By
from carryover.past.usage import used_since
from support.scribe import Scribe

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
NOW_MS = 20_000 * DAY + 12 * HOUR


def at(place: float) -> int:
    """The time (UTC ms) of a place, of which 3.0 is the beginning of today."""
    return int(NOW_MS - 12 * HOUR + (place - 3) * DAY)


@pytest.mark.parametrize(
    ("by", "rows"),
    [
        ("day", [("2024-10-02", 3), ("2024-10-03", 15)]),
        ("agent", [("made-up", 18)]),
        ("model", [("large", 11), ("unknown", 7)]),
        ("project", [("/shop", 15), ("/repo", 3)]),
    ],
)
async def test_tokens_are_summed_by_what_is_asked_for(
    scribe: Scribe, utc: None, by: By, rows: list[tuple[str, int]]
) -> None:
    for session, cwd, place, model, number in (
        ("s1", "/repo", 1.1, "", 1),
        ("s2", "/shop", 2.1, "large", 9),
        ("s3", "/shop", 2.2, "", 2),
    ):
        event = scribe.event("add a cart", session=session, cwd=cwd, at_ms=at(place))
        tokens = TokensUsed(key=session, session=session, at_ms=at(place), model=model, input=number, output=2)
        await scribe.commit(replace(scribe.prepared(event), tokens=(tokens,)), path=f"/t/{session}.jsonl")

    def names_and_tokens(since_ms: int, root: str | None) -> list[tuple[str, int]]:
        used = used_since(since_ms, by, root)
        assert used.total.tokens.input + used.total.tokens.output == sum(
            row.tokens.input + row.tokens.output for row in used.rows
        )
        return [(row.name, row.tokens.input + row.tokens.output) for row in used.rows]

    assert await asyncio.to_thread(names_and_tokens, at(0), None) == rows
    assert sum(n for _, n in await asyncio.to_thread(names_and_tokens, at(2), None)) == 15
    assert sum(n for _, n in await asyncio.to_thread(names_and_tokens, at(0), "/repo")) == 3
    with pytest.raises(UserError, match="There is no folder /gone"):
        await asyncio.to_thread(used_since, at(0), by, "/gone")


async def test_only_limits_whose_window_is_open_are_shown_and_an_account_belongs_to_no_project(scribe: Scribe) -> None:
    real_ms = now_ms()
    window = WindowUsed(name="5h", at_ms=real_ms, used_percent=43, minutes=300, resets_ms=real_ms + HOUR)
    over = replace(window, name="weekly", at_ms=real_ms - DAY, resets_ms=real_ms - HOUR)
    await scribe.commit(replace(scribe.prepared(scribe.event("add a cart", at_ms=at(1))), windows=(window, over)))

    [shown] = (await asyncio.to_thread(used_since, at(0), "agent", None)).windows
    assert (shown.agent_id, shown.name, shown.used_percent) == ("made-up", "5h", 43)
    assert (await asyncio.to_thread(used_since, at(0), "agent", "/repo")).windows == ()
