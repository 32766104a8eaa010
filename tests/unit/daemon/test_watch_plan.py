from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from watchfiles import Change

from carryover.daemon.watch_plan import MOST_FOLDERS, MOST_TREES, Below, Trees, WatchedPlace, WatchPlan, watch_plan

HOME = "/Users/dev"
CANARY = f"{HOME}/.carryover/canary"
FEW = Trees(256, HOME, CANARY)
"""What launchd leaves."""
MANY = Trees(10_240, HOME, CANARY)


def placed(*folders: str, volume: str = "/Users") -> Below:
    return Below(folders, places=tuple(WatchedPlace(folder, folder, volume) for folder in folders))


def paths(*wanted: Below, trees: Trees = FEW, deep: bool = True) -> tuple[str, ...]:
    plan = watch_plan(wanted, trees, deep=deep)
    assert not plan.polling
    assert plan.paths[-1:] == (CANARY,)
    return plan.paths[:-1]


def test_a_tree_within_another_is_left_out_unless_it_is_on_a_disk_mounted_there() -> None:
    inner = f"{HOME}/.claude/projects"

    assert paths(placed(f"{HOME}/.claude", inner, f"{HOME}/.claude-2")) == (f"{HOME}/.claude", f"{HOME}/.claude-2")
    assert paths(placed(f"{HOME}/.claude"), placed(inner, volume=inner)) == (f"{HOME}/.claude", inner)


def test_projects_are_watched_each_or_by_the_folders_around_them_but_never_by_the_home_folder() -> None:
    few = [f"{HOME}/src/p{n}" for n in range(9)]
    many = [f"{HOME}/src/org{n // 2}/p{n}" for n in range(60)]
    at_home, apart = f"{HOME}/notes", "/Volumes/T7/shop"
    others = (placed(at_home), placed(apart, volume="/Volumes/T7"))

    assert watch_plan([placed(*few)], FEW, deep=False) == WatchPlan(
        (*few, CANARY), recursive=False, asked={folder: (folder,) for folder in few}, deep=False
    )
    assert paths(placed(*many), *others, deep=False) == (at_home, f"{HOME}/src", "/Volumes/T7")
    assert watch_plan([placed(*many)], FEW, deep=False).recursive
    assert paths(placed(*many), trees=MANY, deep=False) == tuple(many)


@pytest.mark.parametrize("deep", [True, False])
def test_what_is_still_too_much_is_polled_as_it_was_asked_for(deep: bool) -> None:
    each = [f"{HOME}/p{n}" for n in range(10)]

    plan = watch_plan([placed(*each)], FEW, deep=deep)

    assert plan == WatchPlan(tuple(each), recursive=deep, polling=True, deep=deep)


@pytest.mark.parametrize(("descriptors", "most"), [(256, 10), (10_240, MOST_TREES), (0, MOST_TREES)])
def test_two_watchers_together_stay_below_a_tenth_of_the_descriptors(descriptors: int, most: int) -> None:
    assert Trees(descriptors, HOME, CANARY).most == most
    assert not descriptors or 2 * most < descriptors // 10


@pytest.mark.parametrize(
    ("asked", "real"),
    [
        ("/tmp/work", "/private/tmp/work"),
        (f"{HOME}/Code/SHOP", f"{HOME}/code/shop"),
        (f"{HOME}/café", unicodedata.normalize("NFD", f"{HOME}/café")),
        (f"{HOME}/.claude", f"{HOME}/dotfiles/claude"),
    ],
    ids=["link above", "case", "NFD", "link"],
)
@pytest.mark.parametrize("deep", [True, False])
def test_what_is_reported_with_real_paths_is_understood_as_it_was_asked_for(asked: str, real: str, deep: bool) -> None:
    plan = watch_plan([Below((asked,), places=(WatchedPlace(asked, real, "/"),))], FEW, deep=deep)
    here, below = (Change.modified, f"{real}/a.jsonl"), (Change.added, f"{real}/b/c.jsonl")
    elsewhere = ((Change.deleted, f"{real}-2/a.jsonl"), (Change.modified, f"{CANARY}/canary.txt"))

    assert plan.paths == (real, CANARY)
    found = {(Change.modified, f"{asked}/a.jsonl")}
    assert plan.as_asked([here, *elsewhere]) == found
    assert plan.as_asked([here, below]) == found | ({(Change.added, f"{asked}/b/c.jsonl")} if deep else set())


def test_a_folder_asked_for_by_two_names_is_watched_once_and_understood_as_both() -> None:
    real = f"{HOME}/data"
    links = (f"{HOME}/.claude/projects/a", f"{HOME}/.codex/b")
    plan = watch_plan([Below((), places=tuple(WatchedPlace(link, real, "/Users") for link in links))], FEW, deep=True)

    assert plan.paths == (real, CANARY)
    assert plan.as_asked([(Change.added, f"{real}/x")]) == {(Change.added, f"{link}/x") for link in links}


def test_where_each_folder_is_watched_it_is_the_tops_or_all_folders_if_there_are_links_or_closed_ones() -> None:
    plain = Below(("/a", "/b"), ("/a", "/a/c", "/b"))
    linked = Below(("/d", "/a"), ("/d", "/d/\udcff", "/d/link", "/a"), has_links=True)
    endless = Below(("/e",), tuple(f"/e/{n}" for n in range(MOST_FOLDERS + 1)), has_links=True)

    assert watch_plan([plain], None, deep=True) == WatchPlan(("/a", "/b"), recursive=True)
    assert watch_plan([plain], None, deep=False) == WatchPlan(("/a", "/b"), recursive=False, deep=False)
    every = ("/a", "/a/c", "/b", "/d", "/d/link")
    assert watch_plan([plain, linked], None, deep=True) == WatchPlan(every, recursive=False)
    closed = Below(("/f",), ("/f", "/f/open"), closed=("/f/closed",))
    assert watch_plan([plain, closed], None, deep=True) == WatchPlan(
        ("/a", "/a/c", "/b", "/f", "/f/open"), recursive=False
    )
    assert watch_plan([endless], None, deep=True) == WatchPlan(endless.folders[:MOST_FOLDERS], recursive=False)
    changes = [(Change.added, "/x")]
    assert watch_plan([plain], None, deep=True).as_asked(changes) is changes


_NAMES = st.sampled_from(["a", "b", "src", "a-b"])
_FOLDERS = st.lists(_NAMES, min_size=1, max_size=4).map("/".join).map(lambda below: f"{HOME}/{below}")


@given(st.lists(_FOLDERS, unique=True, max_size=40), st.integers(24, 600), st.booleans())
def test_no_plan_asks_for_more_trees_than_there_may_be_or_leaves_a_folder_out(
    folders: Sequence[str], descriptors: int, deep: bool
) -> None:
    trees = Trees(descriptors, HOME, CANARY)
    plan = watch_plan([placed(*folders)], trees, deep=deep)

    if plan.polling:
        assert plan.paths == tuple(folders)
        return
    assert len(plan.paths) <= trees.most
    assert HOME not in plan.paths
    for folder in folders:
        assert folder in plan.paths or (plan.recursive and any(folder.startswith(f"{top}/") for top in plan.paths))
        assert (Change.added, f"{folder}/x") in plan.as_asked([(Change.added, f"{folder}/x")])
