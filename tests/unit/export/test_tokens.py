from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.export.pieces import tokens_in


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("the cart", 2),
        ("discount", 2),  # five letters begun are one
        ("total = sum(items)", 6),
        ("10234", 5),
        ("a  b\n    c", 5),
        ("котик", 4),
        ("购物车", 3),
        ("😀", 2),
    ],
)
def test_each_kind_of_text_is_counted_by_its_rule(text: str, tokens: int) -> None:
    assert tokens_in(text) == tokens


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=30), max_size=6))
def test_a_whole_never_costs_more_than_its_lines(lines: list[str]) -> None:
    assert tokens_in("\n".join(lines)) <= sum(tokens_in(f"{line}\n") for line in lines)
