"""What a command looks at: how long that takes to decide."""

from __future__ import annotations

from carryover.text.looking import is_looking, is_retry
from support.costs import costing_little


def test_options_of_git_that_look_like_values_cost_no_time() -> None:
    with costing_little():
        assert not is_looking(f"git {'-C ' * 36}push")

    assert is_looking("git -C shop -C -x --no-pager log")


def test_many_programs_with_options_cost_no_time() -> None:
    with costing_little():
        assert not is_retry("make all", "make " * 30_000)

    assert not is_retry("make all", "make -j4 -n all")
