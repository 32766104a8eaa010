from __future__ import annotations

import sqlite3
from collections.abc import Callable

from carryover.distill.sections.limit import Limit
from carryover.model import TurnEnd
from carryover.views.limits import MOST, LimitedProject, limited_projects
from support.scribe import Scribe

Reading = Callable[[], sqlite3.Connection]

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

    assert limited_projects(reading(), ("codex",), since_ms=0) == [
        LimitedProject("/two", Limit(agent="made-up", at_ms=20_000, resets="3pm", others=("codex",))),
        LimitedProject("/one", Limit(agent="made-up", at_ms=10_000, resets="3pm", others=("codex",))),
    ]


async def test_an_old_limit_is_no_news(scribe: Scribe, reading: Reading) -> None:
    await limited(scribe, "/one", 10_000)

    assert len(limited_projects(reading(), (), since_ms=10_000)) == 1
    assert limited_projects(reading(), (), since_ms=10_001) == []


async def test_it_is_over_once_a_session_of_the_project_continues(scribe: Scribe, reading: Reading) -> None:
    await limited(scribe, "/one", 10_000)
    await scribe.tell(scribe.event("continue", session="other", cwd="/one", at_ms=12_000), path="/t/other")

    assert limited_projects(reading(), (), since_ms=0) == []


async def test_where_nothing_is_to_be_handed_over_nobody_is_sent_elsewhere(scribe: Scribe, reading: Reading) -> None:
    await scribe.tell(scribe.event(REACHED, cwd="/one", at_ms=10_000))

    assert limited_projects(reading(), (), since_ms=0) == []


async def test_what_is_looked_at_is_bounded(scribe: Scribe, reading: Reading) -> None:
    for number in range(MOST + 2):
        await limited(scribe, f"/p{number}", 10_000 + number)

    assert len(limited_projects(reading(), (), since_ms=0)) == MOST
