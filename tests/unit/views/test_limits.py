from __future__ import annotations

import time
from datetime import datetime

import pytest

from carryover.distill.limit import Limit
from carryover.model import TurnEnd
from carryover.views.limits import LimitedProject, limited_projects, reset_here, reset_time_ms
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


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


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
    assert reset_time_ms(resets, ms(at)) == (ms(ends) if ends is not None else None)


@pytest.mark.parametrize(
    ("resets", "zone", "said"),
    [
        ("3pm (Europe/Amsterdam)", "UTC", "14:00 (3pm (Europe/Amsterdam))"),
        ("3pm (Europe/Amsterdam)", "Europe/Berlin", "15:00"),
        ("3pm", "Asia/Tokyo", "2026-11-21 15:00"),
        ("2026-11-20T15:00:00Z", "Asia/Tokyo", "2026-11-21 00:00"),
        ("Nov 22 at 3pm", "Asia/Tokyo", "Nov 22 at 3pm"),
    ],
)
def test_a_person_reads_when_it_ends_by_their_own_clock(
    resets: str, zone: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a limit that was reached at 10:00 UTC on 20 November."""
    with monkeypatch.context() as here:
        here.setenv("TZ", zone)
        time.tzset()
        assert reset_here(resets, ms("2026-11-20T10:00:00Z")) == said
    time.tzset()
