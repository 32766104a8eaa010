from __future__ import annotations

import pytest

from carryover.distill.relative_time import earlier


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
