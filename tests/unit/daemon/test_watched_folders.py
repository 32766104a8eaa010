from __future__ import annotations

import inspect
import sys
import unicodedata
from pathlib import Path

import pytest
from watchfiles import Change

from carryover.daemon.watched_folders import Below, as_asked, folders_below

HOME = "/Users/dev"


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
def test_what_is_reported_with_real_paths_is_understood_as_it_was_asked_for(asked: str, real: str) -> None:
    here, below = (Change.modified, f"{real}/a.jsonl"), (Change.added, f"{real}/b/c.jsonl")
    elsewhere = (Change.deleted, f"{real}-2/a.jsonl")

    found = as_asked([here, below, elsewhere], {real: [asked]})

    assert found == {(Change.modified, f"{asked}/a.jsonl"), (Change.added, f"{asked}/b/c.jsonl")}


def test_what_is_in_a_folder_asked_for_by_two_names_is_understood_as_both() -> None:
    links = [f"{HOME}/.claude/projects/a", f"{HOME}/.codex/b"]

    found = as_asked([(Change.added, f"{HOME}/data/x")], {f"{HOME}/data": links})

    assert found == {(Change.added, f"{link}/x") for link in links}


def test_folders_may_be_deeper_than_python_calls_functions(tmp_path: Path) -> None:
    tmp_path.joinpath(*"d" * 300).mkdir(parents=True)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 150)
    try:
        found = folders_below([tmp_path])
    finally:
        sys.setrecursionlimit(limit)

    assert found == Below((str(tmp_path),))


@pytest.mark.on_disk
def test_a_link_that_leads_nowhere_or_to_itself_is_passed_over(home: Path) -> None:
    (home / "there").mkdir()
    for name, target in {"loop": "loop", "gone": "nowhere", "file": __file__, "folder": "there"}.items():
        (home / name).symlink_to(target)

    assert folders_below([home]) == Below((str(home),), (str(home / "folder"),))
