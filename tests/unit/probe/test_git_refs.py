"""What git says of HEAD is asked once, and again after each change that it depends on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from carryover.facts import GitFacts
from carryover.probe.checkout import Checkout
from carryover.publish.git_state import git_facts
from support.repository import git, repository

PATIENT_S: Final = 20.0

MOST_AGAIN: Final = 2
"""What differs from HEAD, and which files are new, is asked each time."""


@pytest.fixture
def cloned(tmp_path: Path) -> Path:
    """A clone with a commit that its origin lacks, on a branch of its own beside `main`."""
    repository(tmp_path / "origin", {"a.py": "1\n"})
    git(tmp_path, "clone", "--quiet", "origin", "clone")
    root = tmp_path / "clone"
    git(root, "checkout", "--quiet", "--track", "-b", "work", "origin/main")
    commit(root, "second")
    return root


def commit(root: Path, subject: str, *options: str) -> None:
    git(root, "commit", "--quiet", "--allow-empty", "--message", subject, *options)


def facts_of(root: Path) -> GitFacts:
    found = git_facts(Checkout(root), timeout_s=PATIENT_S)
    assert found is not None
    return found


def test_of_a_repository_in_which_no_branch_changed_only_the_working_tree_is_asked_about(
    cloned: Path, started: list[list[str]]
) -> None:
    before = facts_of(cloned)
    started.clear()

    (cloned / "a.py").write_text("1\n2\n")
    (cloned / "b.py").write_text("1\n")
    facts = facts_of(cloned)

    assert len(started) <= MOST_AGAIN
    assert (facts.changed_files, facts.untracked) == (1, 1)
    assert (facts.branch, facts.head, facts.subject, facts.ahead) == ("work", before.head, "second", 1)


def remote_moved(root: Path) -> None:
    commit(root.parent / "origin", "theirs")
    git(root, "fetch", "--quiet")
    git(root, "rebase", "--quiet", "origin/main")


CHANGES: Final[dict[str, tuple[Callable[[Path], object], dict[str, object]]]] = {
    "a commit": (lambda root: commit(root, "third"), {"subject": "third", "ahead": 2}),
    "an amended commit": (lambda root: commit(root, "2econd", "--amend"), {"subject": "2econd"}),
    "another branch": (
        lambda root: git(root, "checkout", "--quiet", "main"),
        {"branch": "main", "subject": "first commit", "ahead": 0},
    ),
    "no branch": (lambda root: git(root, "checkout", "--quiet", "--detach"), {"branch": None, "ahead": 0}),
    "another name": (lambda root: git(root, "branch", "--move", "play"), {"branch": "play"}),
    "a tag of the same name": (lambda root: git(root, "tag", "work"), {"branch": "heads/work"}),
    "packed branches": (lambda root: git(root, "pack-refs", "--all"), {}),
    "a push": (lambda root: git(root, "push", "--quiet", "origin", "work:main", "--force"), {"ahead": 0}),
    "a fetch and a rebase": (remote_moved, {"ahead": 1}),
    "another upstream": (lambda root: git(root, "branch", "--unset-upstream"), {"ahead": 0}),
    "a longer name of commits": (lambda root: git(root, "config", "core.abbrev", "12"), {}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_after_a_change_git_is_asked_again(cloned: Path, change: str) -> None:
    git(cloned.parent / "origin", "config", "receive.denyCurrentBranch", "ignore")
    before = facts_of(cloned)
    act, expected = CHANGES[change]

    act(cloned)

    facts = facts_of(cloned)
    assert facts.head == git(cloned, "rev-parse", "--short", "HEAD").strip()
    wanted = {"branch": "work", "subject": "second", "ahead": before.ahead, **expected}
    assert {name: getattr(facts, name) for name in wanted} == wanted


def test_a_worktree_sees_commits_of_the_branch_that_it_shares(cloned: Path) -> None:
    tree = cloned.parent / "tree"
    git(cloned, "worktree", "add", "--quiet", "-b", "beside", str(tree))
    assert facts_of(tree).subject == "second"

    commit(tree, "third")

    assert (facts_of(tree).branch, facts_of(tree).subject) == ("beside", "third")


def test_settings_of_the_user_count(cloned: Path, home: Path) -> None:
    facts_of(cloned)

    (home / ".gitconfig").write_text("[core]\n\tabbrev = 14\n")

    assert len(facts_of(cloned).head or "") == 14
