from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.records.fields import bounded, iso_utc, resolved, utc_ms

START_MS = 1_795_154_400_000


@pytest.mark.parametrize(
    ("path", "cwd", "place"),
    [
        ("a.py", "/home/dev/shop", "/home/dev/shop/a.py"),
        ("../a.py", "/home/dev/shop", "/home/dev/a.py"),
        ("/a/./b", None, "/a/b"),
        ("a.py", None, None),
        ("a.py", "shop", None),
        ("lib/a.cs", "C:\\dev\\shop", "C:\\dev\\shop\\lib\\a.cs"),
        (".cfg\\a.md", "C:/dev/shop", "C:\\dev\\shop\\.cfg\\a.md"),
        ("..\\a.cs", "C:\\dev\\shop", "C:\\dev\\a.cs"),
        ("C:\\dev\\shop\\.cfg/a.md", "C:\\dev\\shop", "C:\\dev\\shop\\.cfg\\a.md"),
        ("D:\\x", "/home/dev", "D:\\x"),
        ("\\\\server\\share\\a", None, "\\\\server\\share\\a"),
    ],
)
def test_a_path_is_resolved_as_on_the_machine_that_wrote_it(path: str, cwd: str | None, place: str | None) -> None:
    assert resolved(path, cwd) == place


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
    ("text", "kept"),
    [
        ("short", "short"),
        ("exactly10c", "exactly10c"),
        ("two words here", "two …"),
        ("oneverylongword", "…"),
        ("          x y", "…"),
    ],
)
def test_a_cut_falls_between_words(text: str, kept: str) -> None:
    assert bounded(text, 10) == kept


@given(text=st.text(max_size=60), limit=st.integers(1, 40))
def test_a_cut_keeps_whole_words_only(text: str, limit: int) -> None:
    kept = bounded(text, limit)

    assert len(kept) <= limit + 2
    if kept != text:
        assert set(kept.removesuffix("…").split()) <= set(text.split())


def test_a_time_beyond_the_calendar_is_shown_as_the_nearest_within_it() -> None:
    assert [iso_utc(at) for at in (-5, 1_795_155_746_000, 10**18)] == [
        "1970-01-01T00:00:00Z",
        "2026-11-20T06:22:26Z",
        "9999-12-31T23:59:59Z",
    ]
