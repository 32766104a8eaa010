"""Which hooks are for which version."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from carryover.adapter.spec import HookEntry, HookSet
from carryover.install.detect import ALL_KNOWN, hooks_for, hooks_for_unknown
from support.tools import CURSOR, with_sets

FIRST, SECOND = CURSOR.hooks.sets


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1.6.9", ("older", None)),
        ("1.7", ("ok", FIRST)),
        ("1.99.1", ("ok", FIRST)),
        ("2", ("ok", SECOND)),
        ("2.99", ("ok", SECOND)),
        ("3.0", ("newer", SECOND)),
        ("9.9", ("newer", SECOND)),
    ],
)
def test_above_the_known_versions_the_newest_hooks_are_used_and_below_them_none(
    version: str, expected: tuple[str, HookSet | None]
) -> None:
    assert hooks_for(CURSOR, Version(version)) == expected


@given(
    numbers=st.lists(st.integers(0, 12), min_size=1, max_size=3),
    suffix=st.sampled_from(["", "a1", "b2", "rc1", ".post1", ".dev3", "+local"]),
)
def test_pre_and_post_releases_are_taken_for_the_version_they_belong_to(numbers: list[int], suffix: str) -> None:
    bare = ".".join(map(str, numbers))

    assert hooks_for(CURSOR, Version(bare + suffix)) == hooks_for(CURSOR, Version(bare))


def test_an_unknown_version_gets_the_events_common_to_the_versions_that_can_inject() -> None:
    third = HookSet(versions=">=3", label="3.x", hooks=(*SECOND.hooks, HookEntry(event="later", timeout_s=5)))
    spec = with_sets(CURSOR, FIRST, SECOND, third)

    assert hooks_for_unknown(spec) == HookSet(versions=">=2", label=ALL_KNOWN, hooks=SECOND.hooks)


def test_an_unknown_version_gets_the_newest_hooks_where_all_events_were_renamed() -> None:
    renamed = HookSet(versions=">=3", label="3.x", hooks=(HookEntry(event="SessionStart", timeout_s=5),))
    spec = with_sets(CURSOR, FIRST, SECOND, renamed, injects_on=("sessionStart", "SessionStart"))

    assert hooks_for_unknown(spec) == renamed
