from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime

import msgspec
import pytest

from carryover.adapter.contract import Source
from carryover.distill.sections.limit import Limit
from carryover.ledger.batch import Entry
from carryover.model import TurnEnd
from carryover.views.limits import MOST, LimitedProject, limited_projects, reset_time_ms
from support.scribe import Scribe

Reading = Callable[[], sqlite3.Connection]

NOW_MS = 60_000

REACHED = TurnEnd(reason="limit", message="limit reached", resets="3pm")


async def limited(scribe: Scribe, cwd: str, at_ms: int) -> None:
    session = f"s-{cwd}"
    await scribe.tell(
        scribe.event("Add a discount to the cart", session=session, cwd=cwd, at_ms=at_ms - 1000),
        scribe.event(REACHED, session=session, cwd=cwd, at_ms=at_ms),
        path=f"/t/{session}",
    )


async def test_projects_that_stopped_at_a_limit_come_newest_first(scribe: Scribe, reading: Reading) -> None:
    await limited(scribe, "/one", 10_000)
    await limited(scribe, "/two", 20_000)
    await scribe.tell(scribe.event("Write the docs", session="s3", cwd="/three", at_ms=30_000), path="/t/3")

    assert limited_projects(reading(), ("codex",), since_ms=0, now_ms=NOW_MS) == [
        LimitedProject("/two", Limit(agent="made-up", at_ms=20_000, resets="3pm", others=("codex",))),
        LimitedProject("/one", Limit(agent="made-up", at_ms=10_000, resets="3pm", others=("codex",))),
    ]


async def test_an_old_limit_is_no_news(scribe: Scribe, reading: Reading) -> None:
    await limited(scribe, "/one", 10_000)

    assert len(limited_projects(reading(), (), since_ms=10_000, now_ms=NOW_MS)) == 1
    assert limited_projects(reading(), (), since_ms=10_001, now_ms=NOW_MS) == []


async def test_it_is_over_once_a_session_of_the_project_continues(scribe: Scribe, reading: Reading) -> None:
    await limited(scribe, "/one", 10_000)
    await scribe.tell(scribe.event("continue", session="other", cwd="/one", at_ms=12_000), path="/t/other")

    assert limited_projects(reading(), (), since_ms=0, now_ms=NOW_MS) == []


async def test_where_nothing_is_to_be_handed_over_nobody_is_sent_elsewhere(scribe: Scribe, reading: Reading) -> None:
    await scribe.tell(scribe.event(REACHED, cwd="/one", at_ms=10_000))

    assert limited_projects(reading(), (), since_ms=0, now_ms=NOW_MS) == []


async def test_what_is_looked_at_is_bounded(scribe: Scribe, reading: Reading) -> None:
    for number in range(MOST + 2):
        await limited(scribe, f"/p{number}", 10_000 + number)

    assert len(limited_projects(reading(), (), since_ms=0, now_ms=NOW_MS)) == MOST


@pytest.mark.parametrize(
    ("resets", "at", "ends"),
    [
        ("2026-11-20T15:00:00Z", "2026-11-20T10:00:00Z", "2026-11-20T15:00:00Z"),
        ("3pm (Europe/Amsterdam)", "2026-11-20T10:00:00Z", "2026-11-20T14:00:00Z"),
        ("3pm (Europe/Amsterdam)", "2026-11-20T14:30:00Z", "2026-11-21T14:00:00Z"),
        ("12:30 AM UTC", "2026-11-20T23:00:00Z", "2026-11-21T00:30:00Z"),
        ("15:00 UTC", "2026-11-20T10:00:00Z", "2026-11-20T15:00:00Z"),
        ("Nov 22 at 3pm", "2026-11-20T10:00:00Z", None),
        ("3pm (Middle/Earth)", "2026-11-20T10:00:00Z", None),
    ],
)
def test_when_a_limit_ends_is_read_where_its_message_says_so(resets: str, at: str, ends: str | None) -> None:
    def ms(text: str) -> int:
        return int(datetime.fromisoformat(text).timestamp() * 1000)

    assert reset_time_ms(resets, ms(at)) == (ms(ends) if ends is not None else None)


async def test_a_limit_whose_reset_has_passed_is_no_news(scribe: Scribe, reading: Reading) -> None:
    ended = TurnEnd(reason="limit", message="limit reached", resets="1970-01-01T00:00:30Z")
    await scribe.tell(
        scribe.event("Add a cart", cwd="/one", at_ms=9_000), scribe.event(ended, cwd="/one", at_ms=10_000)
    )

    assert len(limited_projects(reading(), (), since_ms=0, now_ms=29_999)) == 1
    assert limited_projects(reading(), (), since_ms=0, now_ms=30_000) == []


async def test_the_agent_used_last_here_is_offered_first_and_then_the_one_used_last_anywhere(
    scribe: Scribe, reading: Reading
) -> None:
    await limited(scribe, "/one", 90_000)
    for agent, cwd, at_ms in (("zeta", "/one", 10_000), ("beta", "/two", 50_000), ("iota", "/two", 40_000)):
        event = scribe.event("go on", session=f"of-{agent}", cwd=cwd, at_ms=at_ms)
        entries = (Entry.of(agent, event, {}),)
        prepared = msgspec.structs.replace(scribe.prepared(event), entries=entries)
        await scribe.ledger.commit(Source(agent=agent, path=f"/t/{agent}"), prepared, seen_rev=0)

    [found] = limited_projects(reading(), ("alpha", "beta", "iota", "zeta"), since_ms=0, now_ms=100_000)

    assert found.limit.others == ("zeta", "beta", "iota", "alpha")
