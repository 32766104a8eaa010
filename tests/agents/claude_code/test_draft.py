"""Times, paths and identities of events."""

from __future__ import annotations

import pytest

from agents.claude_code.session import START_MS
from carryover.records.fields import is_absolute, resolved, utc_ms


@pytest.mark.parametrize(
    ("timestamp", "at_ms"),
    [
        ("2026-11-20T06:00:00.000Z", START_MS),
        ("2026-11-20T06:00:00.123Z", START_MS + 123),
        ("2026-11-20T06:00:00Z", START_MS),
        ("2026-11-20T08:00:00+02:00", START_MS),
        ("2026-11-20T06:00:00", START_MS),
        ("1969-12-31T23:59:59Z", 0),
        ("yesterday", 0),
        ("", 0),
        (None, 0),
    ],
)
def test_times_are_utc_milliseconds_and_0_where_there_is_none(timestamp: str | None, at_ms: int) -> None:
    assert utc_ms(timestamp) == at_ms


@pytest.mark.parametrize(
    ("path", "cwd", "expected"),
    [
        ("/p/a", None, "/p/a"),
        ("/p/../q/./a", None, "/q/a"),
        ("a", "/p", "/p/a"),
        ("../a", "/p/q", "/p/a"),
        ("a", None, None),
        ("a", "p", None),
        ("C:\\p\\a", "/p", "C:\\p\\a"),
        ("\\\\server\\share", None, "\\\\server\\share"),
    ],
)
def test_paths_are_resolved_by_their_names_alone(path: str, cwd: str | None, expected: str | None) -> None:
    assert resolved(path, cwd) == expected


def test_paths_of_other_systems_are_absolute_too() -> None:
    assert [is_absolute(path) for path in ("/p", "C:\\p", "c:/p", "\\\\s\\p", "p", "~/p", "")] == [
        True,
        True,
        True,
        True,
        False,
        False,
        False,
    ]
