from __future__ import annotations

import asyncio
import time
from datetime import datetime

import pytest
from msgspec.structs import replace

from carryover.errors import UserError
from carryover.ledger.queries import project_by_id
from carryover.ledger.store import Ledger
from carryover.model import TokensUsed, TurnEnd, WindowUsed
from carryover.past.types import AgentDays, By, LimitReached, Pictures, Window
from carryover.past.usage import DAYS, calendar, pictures, used_since
from support.scribe import Scribe

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
NOW_MS = 20_000 * DAY + 12 * HOUR
TODAY = "2024-10-04"


def of(scribe: Scribe, project: int) -> Pictures:
    return pictures(scribe.db, project_by_id(scribe.db, project), now_ms=NOW_MS)


def of_all(scribe: Scribe) -> Pictures:
    return pictures(scribe.db, None, now_ms=NOW_MS)


def at(place: float) -> int:
    """The time (UTC ms) of a place, of which 3.0 is the beginning of today."""
    return int(NOW_MS - 12 * HOUR + (place - 3) * DAY)


async def test_a_ledger_without_any_of_it_has_nothing_to_show(scribe: Scribe) -> None:
    await scribe.tell(scribe.event("add a cart", at_ms=at(1)))

    assert of_all(scribe) == Pictures(days=(), tokens=(), windows=(), limits=())


async def test_tokens_are_summed_by_day_and_agent_who_used_most_first(ledger: Ledger, scribe: Scribe) -> None:
    async def used(by: Scribe, session: str, cwd: str, *amounts: tuple[float, int]) -> None:
        tokens = tuple(
            TokensUsed(
                key=f"{session}{place}",
                session=session,
                at_ms=at(place),
                input=n,
                output=1,
                cache_write=2,
                cache_read=n * 9,
            )
            for place, n in amounts
        )
        event = by.event("add a cart", session=session, cwd=cwd, at_ms=at(0))
        await by.commit(replace(by.prepared(event), tokens=tokens), path=f"/t/{session}.jsonl")

    codex = Scribe(ledger, agent="codex", written=100)
    await used(scribe, "s1", "/repo", (0.9, 10), (1.1, 20))
    await used(codex, "c1", "/srv/other", (1.2, 300), (1.3, 50), (-DAYS, 7))

    found = of_all(scribe)
    assert found.days == ("2024-10-01", "2024-10-02", "2024-10-03", TODAY)
    assert found.tokens == (
        AgentDays("codex", new=(0, 356, 0, 0), cached=(0, 3150, 0, 0)),
        AgentDays("made-up", new=(13, 23, 0, 0), cached=(90, 180, 0, 0)),
    )
    assert of(scribe, 1).tokens == found.tokens[1:]


async def test_limits_are_those_that_agents_named_and_an_account_belongs_to_no_project(scribe: Scribe) -> None:
    window = WindowUsed(name="5h", at_ms=at(3.4), used_percent=43, minutes=300, resets_ms=NOW_MS + HOUR)
    over = replace(window, name="weekly", resets_ms=NOW_MS - HOUR)
    limit = TurnEnd(reason="limit", message="Limit reached", resets="3pm")
    said = (
        scribe.event("add a cart", at_ms=at(1)),
        scribe.event(limit, at_ms=at(1.5)),
        scribe.event(TurnEnd(reason="error", message="500"), at_ms=at(1.6)),
        scribe.event(replace(limit, resets="in a while"), at_ms=at(2.75), cwd="/srv/other", session="s2"),
        scribe.event(limit, at_ms=at(2.8), cwd="desk:/srv/shop", session="s3"),
    )
    await scribe.commit(replace(scribe.prepared(*said), windows=(window, over)))

    first = LimitReached(agent="made-up", at_ms=at(1.5), day=0, resets_ms=at(1.5) + 3 * HOUR, project_id=1, name="repo")
    other = LimitReached(agent="made-up", at_ms=at(2.75), day=1, resets_ms=0, project_id=2, name="other")
    found = of_all(scribe)
    assert found.limits == (first, other)
    assert found.windows == (
        Window(
            agent="made-up",
            agent_id="made-up",
            name="5h",
            at_ms=at(3.4),
            used_percent=43,
            minutes=300,
            resets_ms=NOW_MS + HOUR,
        ),
    )
    assert (of(scribe, 1).limits, of(scribe, 1).windows) == ((first,), ())


def test_a_day_on_which_the_clock_is_put_forward_is_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    before, after = (int(datetime(2026, 3, day, 12).astimezone().timestamp() * 1000) for day in (28, 30))
    try:
        assert [day.isoformat() for day in calendar([before], after)] == ["2026-03-28", "2026-03-29", "2026-03-30"]
    finally:
        monkeypatch.undo()
        time.tzset()


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
