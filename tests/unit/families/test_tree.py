"""Records that name their parent: which of them the newest one leaves behind."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.families.tree import MOST_NODES, Tree, grown, noted


def left_by(*records: tuple[str, str | None]) -> list[tuple[str, ...]]:
    """What each record leaves, when every record says something under its own id."""
    tree: Tree = ()
    found = []
    for ident, parent in records:
        tree, left = grown(tree, ident, parent)
        tree = noted(tree, (ident,))
        found.append(left)
    return found


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
    tree: Tree = ()
    said: dict[str, str] = {}
    gone: set[str] = set()
    for line in (Path(__file__).with_name("pi") / f"{name}.jsonl").read_text("utf-8").splitlines():
        record = json.loads(line)
        if record["type"] == "session":
            continue
        tree, now_left = grown(tree, record["id"], record["parentId"])
        tree = noted(tree, (record["id"],))
        gone.update(now_left)
        if record.get("message", {}).get("role") == "user":
            said[record["id"]] = record["message"]["content"][0]["text"]

    assert [text for ident, text in said.items() if ident not in gone] == live
    assert len(gone & said.keys()) == left


def test_a_conversation_that_goes_on_leaves_nothing() -> None:
    assert left_by(("a", None), ("b", "a"), ("c", "b")) == [(), (), ()]


def test_what_follows_the_parent_is_left() -> None:
    assert left_by(("a", None), ("b", "a"), ("c", "b"), ("d", "a"))[-1] == ("b", "c")


def test_a_branch_that_was_left_is_not_left_again() -> None:
    assert left_by(("a", None), ("b", "a"), ("c", "a"), ("d", "c"), ("e", "a"))[-1] == ("c", "d")


def test_going_back_to_a_branch_leaves_the_other_one() -> None:
    assert left_by(("a", None), ("b", "a"), ("c", "a"), ("d", "b"))[-1] == ("c",)


def test_a_record_without_a_parent_begins_anew() -> None:
    assert left_by(("a", None), ("b", "a"), ("c", None), ("d", "c"))[2:] == [("a", "b"), ()]


def test_an_unknown_parent_leaves_nothing() -> None:
    assert left_by(("a", None), ("b", "a"), ("c", "unread"))[-1] == ()


def test_what_is_remembered_has_a_bound_and_what_is_older_stays() -> None:
    tree: Tree = ()
    for number in range(MOST_NODES + 2):
        tree, _ = grown(tree, str(number), str(number - 1) if number else None)
        tree = noted(tree, (str(number),))

    assert len(tree) == MOST_NODES
    assert grown(tree, "new", "0")[1] == ()
    assert grown(tree, "new", "2")[1] == tuple(map(str, range(3, MOST_NODES + 2)))


@given(st.lists(st.integers(0, 30), max_size=30))
def test_what_is_not_left_is_the_path_to_the_newest_record(steps: Sequence[int]) -> None:
    """Where each record continues the newest one or one before it on its path, as a client rewinds."""
    tree: Tree = ()
    path: list[str] = []
    said: set[str] = set()
    for number, back in enumerate(steps):
        path = path[: max(len(path) - back, 0)]
        tree, left = grown(tree, str(number), path[-1] if path else None)
        tree = noted(tree, (str(number),))
        path.append(str(number))
        said = (said - set(left)) | {str(number)}

        assert said == set(path)
