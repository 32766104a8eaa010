"""The rows of the table, for any number of clients: none left out, and never as many as clients cubed."""

from __future__ import annotations

import itertools

import pytest

from matrix.rows import chains, pairs_by_ending, ring
from matrix.tool import ENDINGS, Ending

EACH_COUNT = pytest.mark.parametrize("ids", ["abcdefgh"[:count] for count in range(1, 9)])


def always(agent_id: str, ending: Ending) -> bool:
    return True


@EACH_COUNT
def test_each_pair_and_each_ending_on_both_sides(ids: str) -> None:
    rows = pairs_by_ending(ids, always)

    assert {(a, b) for a, b, _ in rows} == set(itertools.product(ids, repeat=2))
    assert {(a, ending) for a, _, ending in rows} == set(itertools.product(ids, ENDINGS))
    assert {(b, ending) for _, b, ending in rows} == set(itertools.product(ids, ENDINGS))
    assert len(rows) <= len(ids) * max(len(ids), len(ENDINGS))


def test_two_turns_make_all_of_the_rows_of_two_clients() -> None:
    both = {row for turned in (0, 1) for row in pairs_by_ending("ab", always, turned=turned)}

    assert len(both) == 16


def test_an_ending_that_the_giver_lacks_is_not_played() -> None:
    rows = pairs_by_ending("abcd", lambda agent_id, ending: (agent_id, ending) != ("b", "limit"))

    assert ("b", "limit") not in {(a, ending) for a, _, ending in rows}
    assert {(a, b) for a, b, _ in rows} == set(itertools.product("abcd", repeat=2))


@EACH_COUNT
def test_each_is_a_giver_a_taker_and_by_itself(ids: str) -> None:
    rows = ring(ids, ids, ids)

    assert {a for a, _ in rows} == {b for _, b in rows} == set(ids)
    assert {(each, each) for each in ids} <= set(rows)
    assert len(rows) <= 2 * len(ids)


def test_only_takers_take_and_only_givers_give() -> None:
    assert ring("abcd", "abd", "ac") == [("a", "c"), ("b", "c"), ("d", "a"), ("a", "a")]


@EACH_COUNT
def test_each_gives_passes_on_and_takes(ids: str) -> None:
    rows = chains(ids, ids)

    assert [set(column) for column in zip(*rows, strict=True)] == [set(ids)] * 3
    assert len(rows) == len(ids)


def test_one_that_reaches_no_limit_is_not_in_the_middle() -> None:
    assert chains("abc", "bc") == [("a", "b", "c"), ("b", "c", "a"), ("c", "b", "b")]
