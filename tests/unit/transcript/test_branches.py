"""Records that name their parent: which of them the newest one leaves behind."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.transcript.branches import MOST_NODES, Tree, grown, noted

Record = tuple[str, str | None]


def left_by(*records: Record) -> list[tuple[str, ...]]:
    """What each record leaves, when every record says something under its own id."""
    tree: Tree = ()
    found = []
    for ident, parent in records:
        tree, left, _ = grown(tree, ident, parent)
        tree = noted(tree, (ident,))
        found.append(left)
    return found


def counting(records: Iterable[Record], *, silent: Callable[[str], bool] = lambda _: False) -> list[str]:
    """The records that count at the end, in the order in which they came; `silent` ones say nothing."""
    tree: Tree = ()
    said: dict[str, bool] = {}
    for ident, parent in records:
        tree, left, back = grown(tree, ident, parent)
        said |= dict.fromkeys(left, False) | dict.fromkeys(back, True)
        if not silent(ident):
            tree = noted(tree, (ident,))
            said[ident] = True
    return [ident for ident, counts in said.items() if counts]


@pytest.mark.parametrize(
    ("name", "left", "live"),
    [
        (
            "tui-1.5.2",
            5,
            ["Look at cart.py", "(edited)"],
        ),
        (
            "tree-1.5.2",
            1,
            ["Approach A: use int", "More of approach A but with round", "After the compaction"],
        ),
        (
            "two-clients-1.5.2",
            1,
            ["Write about the discount again", "Overflow now", "resume", "first client"],
        ),
    ],
)
def test_of_a_real_clients_branches_only_the_newest_counts(name: str, left: int, live: list[str]) -> None:
    """pi goes back to any earlier record, and two of its clients may write to one session."""
    said: dict[str, str] = {}
    records: list[Record] = []
    for line in (Path(__file__).with_name("pi") / f"{name}.jsonl").read_text("utf-8").splitlines():
        record = json.loads(line)
        if record["type"] == "session":
            continue
        records.append((record["id"], record["parentId"]))
        if record.get("message", {}).get("role") == "user":
            said[record["id"]] = record["message"]["content"][0]["text"]
    counts = [ident for ident in counting(records) if ident in said]

    assert [said[ident] for ident in counts] == live
    assert len(said) - len(counts) == left


def test_a_conversation_that_goes_on_leaves_nothing() -> None:
    assert left_by(("a", None), ("b", "a"), ("c", "b")) == [(), (), ()]


def test_what_follows_the_parent_is_left() -> None:
    assert left_by(("a", None), ("b", "a"), ("c", "b"), ("d", "a"))[-1] == ("b", "c")


def test_a_branch_that_was_left_is_not_left_again() -> None:
    assert left_by(("a", None), ("b", "a"), ("c", "a"), ("d", "c"), ("e", "a"))[-1] == ("c", "d")


def test_going_back_to_a_branch_leaves_the_other_one_and_brings_this_one_back() -> None:
    assert counting([("a", None), ("b", "a"), ("c", "a"), ("d", "b")]) == ["a", "b", "d"]


def test_two_clients_in_turn_leave_the_branch_of_the_last_that_wrote() -> None:
    turns = [("a", None), ("b1", "a"), ("c1", "a"), ("b2", "b1"), ("c2", "c1"), ("b3", "b2")]

    assert counting(turns) == ["a", "b1", "b2", "b3"]
    assert counting(turns[:-1]) == ["a", "c1", "c2"]


def test_a_record_without_a_parent_begins_anew() -> None:
    assert left_by(("a", None), ("b", "a"), ("c", None), ("d", "c"))[2:] == [("a", "b"), ()]


def test_an_unknown_parent_leaves_nothing() -> None:
    assert left_by(("a", None), ("b", "a"), ("c", "unread"))[-1] == ()


def turns(number: int, calls: int) -> list[Record]:
    """A conversation: each turn is a prompt, calls that say nothing, and an answer."""
    idents = [f"{turn}.{part}" for turn in range(number) for part in ("prompt", *map(str, range(calls)), "answer")]
    return list(zip(idents, [None, *idents], strict=False))


def is_call(ident: str) -> bool:
    return ident.rpartition(".")[2].isdigit()


def test_one_can_go_back_over_many_more_calls_than_are_remembered() -> None:
    records = turns(40, 30)
    assert len(records) > 4 * MOST_NODES

    assert counting([*records, ("new", "0.answer")], silent=is_call) == ["0.prompt", "0.answer", "new"]
    assert counting([*records, ("new", "1.29")], silent=is_call) == ["0.prompt", "0.answer", "1.prompt", "new"]
    away_and_back = [*records, ("away", "3.answer"), ("back", "39.answer")]
    assert len(counting(away_and_back, silent=is_call)) == 81


def test_what_is_remembered_has_a_bound_and_what_is_older_stays() -> None:
    records = turns(MOST_NODES, 0)

    assert len(counting([*records, ("new", "0.answer")])) == len(records) + 1
    kept = counting([*records, ("new", f"{MOST_NODES - 100}.answer")])
    assert kept[-3:] == [f"{MOST_NODES - 100}.prompt", f"{MOST_NODES - 100}.answer", "new"]

    tree: Tree = ()
    for ident, parent in records:
        tree = noted(grown(tree, ident, parent)[0], (ident,))
        assert len(tree) <= MOST_NODES


@given(st.lists(st.integers(0, 400), max_size=60), st.integers(0, 3))
def test_what_counts_is_the_path_to_the_newest_record(parents: Sequence[int], silent: int) -> None:
    """Wherever each record hangs: below any one before it, or below none."""
    records: list[Record] = []
    above: dict[str, str | None] = {}
    for number, chosen in enumerate(parents):
        parent = str(chosen % (number + 1) - 1)
        above[str(number)] = None if parent == "-1" else parent
        records.append((str(number), above[str(number)]))
    path = []
    at = records[-1][0] if records else None
    while at is not None:
        path.append(at)
        at = above[at]

    said = [ident for ident in reversed(path) if silent == 0 or int(ident) % (silent + 1)]
    assert counting(records, silent=lambda ident: silent > 0 and int(ident) % (silent + 1) == 0) == said
