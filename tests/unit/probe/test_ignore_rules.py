from fnmatch import fnmatchcase

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from carryover.probe.ignore_rules import has_rule
from support.costs import costing_little

FOLDER = ".carryover"


@example(".c?rry*r")
@example("?carryover")
@example("*.carryover?")
@given(st.text("acor*?.", min_size=1, max_size=14))
def test_a_pattern_of_plain_characters_means_what_it_means_to_a_shell(pattern: str) -> None:
    assert has_rule(pattern.encode(), FOLDER) is fnmatchcase(FOLDER, pattern)


@pytest.mark.parametrize(
    "rules",
    [b"*a" * 100_000, b"".join(b"*a%d*\n" % number for number in range(25_000)), b"*" * 200_000 + b"x"],
    ids=["one pattern", "many patterns", "wildcards alone"],
)
def test_hostile_patterns_cost_time_in_proportion_to_their_length(rules: bytes) -> None:
    """Not seconds for each handoff of a folder whose `.git` came from someone else."""
    with costing_little():
        assert not has_rule(rules, FOLDER)
