"""Goals: what is met, what is missed and why, as data beside the figures."""

from __future__ import annotations

import pytest

from bench import goals
from bench.goals import GOALS, Goal, in_brief, table, table_of_growth, verdict
from bench.measure import Row, compared, counted

REASON = "it is far"


@pytest.fixture(autouse=True)
def _three_goals(monkeypatch: pytest.MonkeyPatch) -> None:
    some = {
        "times": Goal("ratio", 5, "", REASON),
        "figure": Goal("value", 100, "MB", REASON),
        "beyond": Goal("more", 10, "ms", REASON),
    }
    monkeypatch.setattr(goals, "GOALS", some)
    monkeypatch.setattr(goals, "GROWTH_GOALS", {"figure": some["figure"]})


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (compared("a", 10, 2, "s", "times"), "≤ 5 x: met"),
        (compared("a", 11, 2, "s", "times"), f"≤ 5 x: **missed**, {REASON}"),
        (counted("a", 100, "MB", "figure"), "≤ 100 MB: met"),
        (counted("a", 101, "MB", "figure"), f"≤ 100 MB: **missed**, {REASON}"),
        (compared("a", 30, 21, "ms", "beyond"), "≤ +10 ms: met"),
        (compared("a", 32, 21, "ms", "beyond"), f"≤ +10 ms: **missed**, {REASON}"),
        (counted("a", None, "MB", "figure"), ""),
        (compared("a", 10, 2, "s"), ""),
    ],
)
def test_a_goal_is_met_or_missed_with_its_reason_or_was_not_measured(row: Row, expected: str) -> None:
    assert verdict(row) == expected


def test_the_table_has_the_verdict_and_the_brief_names_what_was_missed() -> None:
    rows = [counted("memory", 101, "MB", "figure"), compared("time", 10, 2, "s", "times"), Row("a note", "words")]

    assert table(rows).splitlines()[2] == f"| memory | 101 MB |  |  | ≤ 100 MB: **missed**, {REASON} |"
    assert in_brief(rows) == "1 of 2 goals met; missed: figure 101 MB"
    assert in_brief(rows[2:]) == ""


def test_what_grows_is_judged_at_the_size_where_it_is_largest() -> None:
    sizes = [("20 MB", {"figure": 50.0, "count": 3.0}), ("200 MB", {"figure": 150.0})]

    lines = table_of_growth(sizes, {"figure": ("memory", "MB"), "count": ("files", "")}).splitlines()

    assert lines[2:] == [
        f"| memory | 50.0 MB | 150 MB | ≤ 100 MB: **missed**, {REASON} |",
        "| files | 3 | not measured |  |",
    ]


def test_each_goal_says_why_it_may_be_missed() -> None:
    assert [key for key, goal in GOALS.items() if len(goal.why) < 20] == []
