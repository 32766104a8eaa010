from __future__ import annotations

from carryover.distill.limit import Limit
from carryover.model import TurnEnd
from carryover.past.limits import LimitedProject, limited_projects
from support.scribe import Scribe

NOW_MS = 60_000

REACHED = TurnEnd(reason="limit", message="limit reached", resets="3pm")


async def limited(scribe: Scribe, cwd: str, at_ms: int) -> None:
    session = f"s-{cwd}"
    await scribe.tell(
        scribe.event("Add a discount to the cart", session=session, cwd=cwd, at_ms=at_ms - 1000),
        scribe.event(REACHED, session=session, cwd=cwd, at_ms=at_ms),
        path=f"/t/{session}",
    )


async def test_projects_that_stopped_at_a_limit_come_newest_first(scribe: Scribe) -> None:
    await limited(scribe, "/one", 10_000)
    await limited(scribe, "/two", 20_000)
    await scribe.tell(scribe.event("Write the docs", session="s3", cwd="/three", at_ms=30_000), path="/t/3")

    assert limited_projects(scribe.db, ("codex",), since_ms=0, now_ms=NOW_MS) == [
        LimitedProject("/two", Limit(agent="made-up", at_ms=20_000, resets="3pm", others=("codex",))),
        LimitedProject("/one", Limit(agent="made-up", at_ms=10_000, resets="3pm", others=("codex",))),
    ]
