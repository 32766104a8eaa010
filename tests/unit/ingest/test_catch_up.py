from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.adapter.contract import Source
from carryover.ingest.scan import MS_PER_DAY, RACY_MS, FoundSource, changed, key_of, reading_order, vanished
from carryover.ledger.batch import READ_IN_PART, LastRead

NOW_MS = 1_795_155_000_000
OLD_NS = (NOW_MS - 3_600_000) * 1_000_000


def seen(path: str, *, group: str = "", age_ms: int = 3_600_000, size: int = 100) -> FoundSource:
    return FoundSource(Source(agent="a", path=path, group=group), size, (NOW_MS - age_ms) * 1_000_000)


KNOWN = LastRead(size=100, mtime_ns=OLD_NS, state="active")


@pytest.mark.parametrize(
    "known",
    [
        None,
        msgspec.structs.replace(KNOWN, size=99),
        msgspec.structs.replace(KNOWN, size=READ_IN_PART),
        msgspec.structs.replace(KNOWN, mtime_ns=OLD_NS - 1),
        msgspec.structs.replace(KNOWN, state="gone"),
    ],
    ids=["unknown", "grown", "read in part", "touched", "back again"],
)
def test_any_other_has(known: LastRead | None) -> None:
    states = {} if known is None else {("a", "x"): known}
    assert changed([seen("x")], states, now_ms=NOW_MS) == [seen("x")]


def test_a_source_touched_just_now_may_have_changed_again_unseen() -> None:
    recent = seen("x", age_ms=RACY_MS)
    states = {("a", "x"): msgspec.structs.replace(KNOWN, mtime_ns=recent.mtime_ns)}

    assert changed([recent], states, now_ms=NOW_MS) == [recent]
    assert changed([recent], states, now_ms=NOW_MS + 1) == []


def test_a_broken_source_is_left_alone_until_its_time_unless_asked_for() -> None:
    states = {("a", "x"): msgspec.structs.replace(KNOWN, state="broken", retry_ms=NOW_MS + 1)}

    assert changed([seen("x")], states, now_ms=NOW_MS) == []
    assert changed([seen("x")], states, now_ms=NOW_MS + 1) == [seen("x")]
    assert changed([seen("x")], states, now_ms=NOW_MS, also_broken=True) == [seen("x")]


def test_no_projects_handoff_waits_for_anothers_old_history() -> None:
    files = [
        seen("shop/old", group="shop", age_ms=8 * MS_PER_DAY),
        seen("shop/new", group="shop", age_ms=1_000),
        seen("blog/new", group="blog", age_ms=6 * MS_PER_DAY),
        seen("attic/old", group="attic", age_ms=100 * MS_PER_DAY),
    ]

    order = reading_order(files, now_ms=NOW_MS, active_days=7)
    assert [source.path for source in order] == ["shop/new", "blog/new", "shop/old", "attic/old"]


@given(st.permutations([seen(f"{group}/{n}", group=group, age_ms=n % 3) for group in "ab" for n in range(4)]))
def test_the_order_does_not_depend_on_the_order_of_the_folder(files: list[FoundSource]) -> None:
    in_order = reading_order(sorted(files, key=lambda item: item.source.path), now_ms=NOW_MS, active_days=7)

    assert reading_order(files, now_ms=NOW_MS, active_days=7) == in_order
    assert {key_of(source) for source in in_order} == {key_of(item.source) for item in files}


def test_a_source_that_is_neither_seen_nor_there_has_vanished(tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.touch()
    states = {
        ("a", "seen"): KNOWN,
        ("a", str(hidden)): KNOWN,
        ("a", str(tmp_path / "gone")): KNOWN,
        ("a", str(tmp_path / "gone before")): msgspec.structs.replace(KNOWN, state="gone"),
    }

    assert vanished(states, [seen("seen")]) == [Source(agent="a", path=str(tmp_path / "gone"))]
