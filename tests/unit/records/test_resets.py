from __future__ import annotations

import pytest

from carryover.records.resets import resets_in

AT_MS = 1_795_155_000_000  # 2026-11-20T06:10:00Z


@pytest.mark.parametrize(
    ("message", "when"),
    [
        ("5-hour limit reached ∙ resets 3pm", "3pm"),
        ("You've hit your session limit · resets 3pm (Europe/Amsterdam)", "3pm (Europe/Amsterdam)"),
        ("Weekly limit reached ∙ resets Oct 7 at 10am", "Oct 7 at 10am"),
        ("Claude AI usage limit reached|1795154400", "2026-11-20T06:00:00Z"),
        ("You’ve hit your usage limit. Upgrade to Pro (https://example.com) or try again at 8:05 AM.", "8:05 AM"),
        ("or try again at Nov 22nd, 2026 9:00 AM.", "Nov 22nd, 2026 9:00 AM"),
        ("Try again in 3 days 5 hours 12 minutes.", "2026-11-23T11:22:00Z"),
        ("resets in 2h 13m", "2026-11-20T08:23:00Z"),
        ("resets 15:00", "15:00"),
        (
            "You have exhausted your capacity. Your quota will reset after 3h12m5s.",
            "2026-11-20T09:22:00Z",
        ),
    ],
)
def test_the_time_is_taken_as_it_was_written_or_counted_from_then(message: str, when: str) -> None:
    assert resets_in(message, AT_MS) == when


@pytest.mark.parametrize(
    "message",
    [
        "",
        "Weekly limit reached",
        "API Error: 429 it resets the password of bob@example.com",
        "resets 3",
        "resets when /home/dev/secret says so",
        "limit reached|99",
        "x" * 3000 + " resets 3pm",
    ],
)
def test_what_is_no_time_is_not_taken_for_one(message: str) -> None:
    assert resets_in(message, AT_MS) is None
