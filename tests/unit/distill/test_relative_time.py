from __future__ import annotations

import pytest

from carryover.distill.relative_time import earlier, iso_utc


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, ""),
        (20, ""),
        (180, "3 min earlier"),
        (89 * 60, "89 min earlier"),
        (2 * 3600, "2 h earlier"),
        (5 * 86_400, "5 days earlier"),
    ],
)
def test_a_time_is_given_as_how_long_earlier_it_was(seconds: int, said: str) -> None:
    assert earlier(1_000_000_000 - seconds * 1000, 1_000_000_000) == said


def test_a_time_beyond_the_calendar_is_shown_as_the_nearest_within_it() -> None:
    assert [iso_utc(at) for at in (-5, 1_795_155_746_000, 10**18)] == [
        "1970-01-01T00:00:00Z",
        "2026-11-20T06:22:26Z",
        "9999-12-31T23:59:59Z",
    ]
