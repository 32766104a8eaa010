"""When a usage limit resets, by the clock of who reads it."""

from __future__ import annotations

import time
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from carryover.facts import Clock, in_utc
from carryover.text.reset_times import reset_here, reset_quoted, reset_time_ms, with_reset_here

REACHED = "2026-11-20T10:00:00Z"
AMSTERDAM = "3pm (Europe/Amsterdam)"


def clock_of(zone: str) -> Clock:
    return lambda at_ms: in_utc(at_ms).astimezone(ZoneInfo(zone))


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


@pytest.mark.parametrize(
    ("resets", "zone", "said"),
    [
        (AMSTERDAM, "UTC", "14:00 UTC (3pm (Europe/Amsterdam))"),
        (AMSTERDAM, "America/New_York", "09:00 EST (3pm (Europe/Amsterdam))"),
        (AMSTERDAM, "Europe/Berlin", AMSTERDAM),
        ("8:05 AM", "Asia/Tokyo", "8:05 AM"),
        ("2026-11-20T15:00:00Z", "Asia/Tokyo", "2026-11-21 00:00 JST"),
        ("Nov 22 at 3pm", "UTC", "Nov 22 at 3pm"),
        ("3pm (Middle/Earth)", "UTC", "3pm (Middle/Earth)"),
    ],
)
def test_a_handoff_quotes_the_agent_and_says_the_readers_time_where_zones_differ(
    resets: str, zone: str, said: str
) -> None:
    assert reset_quoted(resets, ms(REACHED), clock_of(zone)) == said


@pytest.mark.parametrize(
    ("resets", "zone", "said"),
    [
        (AMSTERDAM, "UTC", "Limit reached (14:00 by your clock)"),
        (AMSTERDAM, "Europe/Berlin", "Limit reached"),
        ("2026-11-20T15:00:00Z", "UTC", "Limit reached (15:00 by your clock)"),
        ("Nov 22 at 3pm", "UTC", "Limit reached"),
        (None, "UTC", "Limit reached"),
    ],
)
def test_a_message_gets_the_readers_time_where_it_does_not_have_it(resets: str | None, zone: str, said: str) -> None:
    assert with_reset_here("Limit reached", resets, ms(REACHED), clock_of(zone)) == said


def test_summer_time_is_that_of_the_reset_and_not_of_now() -> None:
    """In 2026, clocks in Amsterdam went back on 25 October and those in New York on 1 November."""
    new_york = clock_of("America/New_York")

    assert reset_quoted("2026-11-02T15:00:00Z", ms("2026-10-31T15:00:00Z"), new_york) == "2026-11-02 10:00 EST"
    assert reset_quoted("2026-10-31T15:00:00Z", ms("2026-10-31T10:00:00Z"), new_york) == "11:00 EDT"
    assert reset_quoted(AMSTERDAM, ms("2026-10-28T10:00:00Z"), new_york).startswith("10:00 EDT")
    assert reset_quoted(AMSTERDAM, ms("2026-10-20T10:00:00Z"), new_york).startswith("09:00 EDT")
