"""Git is asked a question about a checkout once, and again after each change that decides the answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from carryover.probe.checkout import Checkout
from carryover.probe.memory import MOST, known_answer, remember
from support.repository import git, repository

STORE = ".carryover"
OURS = "CLAUDE.local.md"


@pytest.fixture
def shop(home: Path) -> Path:
    return repository(home / "shop", {"cart.py": "total = 0\n"})


def exclude(root: Path, rule: str) -> None:
    with Checkout(root).exclude.open("a") as file:
        file.write(f"{rule}\n")


def stash(root: Path) -> None:
    (root / OURS).write_text("mine\n")
    git(root, "stash", "push", "--quiet", "--include-untracked")


def branch(root: Path) -> None:
    git(root, "switch", "--quiet", "--create", "other")
    (root / OURS).write_text("mine\n")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "mine")
    git(root, "switch", "--quiet", "main")
    git(root, "pack-refs", "--all")


def stage(root: Path) -> None:
    (root / OURS).write_text("mine\n")
    git(root, "add", "--all")


@pytest.mark.parametrize("bring", [stash, branch, stage], ids=lambda bring: bring.__name__)
def test_where_a_name_is_tracked_is_asked_once_until_it_may_have_come(
    shop: Path, started: list[list[str]], bring: Callable[[Path], None]
) -> None:
    for rule in ("/build", "/dist"):
        assert Checkout(shop).tracked_anywhere([OURS, "cart.py"]) == {"cart.py"}
        exclude(shop, rule)
    assert len(started) == 3, "the index, the stashes and the branches, which no ignore rule changes"

    bring(shop)

    assert Checkout(shop).tracked_anywhere([OURS, "cart.py"]) == {OURS, "cart.py"}


@pytest.mark.parametrize("is_tracked", [True, False])
def test_whether_a_folder_is_tracked_is_asked_at_most_once_until_the_index_changes(
    shop: Path, started: list[list[str]], is_tracked: bool
) -> None:
    (shop / STORE).mkdir()
    (shop / STORE / "handoff.md").write_text("someone's\n")
    git(shop, "add", *([STORE] if is_tracked else ["cart.py"]))
    started.clear()

    assert [Checkout(shop).is_tracked(STORE) for _ in range(2)] == [is_tracked] * 2
    assert len(started) == is_tracked, "an index without the name says enough"

    git(shop, *(("rm", "-r", "--quiet", "--cached") if is_tracked else ("add",)), STORE)
    assert Checkout(shop).is_tracked(STORE) is not is_tracked


def test_git_is_not_asked_whether_a_rule_takes_in_what_info_exclude_does_not_have(
    shop: Path, started: list[list[str]]
) -> None:
    checkout = Checkout(shop)
    (shop / ".gitignore").write_text(f"!{STORE}\n")
    assert (checkout.is_let_in(STORE), started) == (False, [])

    exclude(shop, f"{STORE}/")

    assert not checkout.is_ignored(f"{STORE}/")
    assert checkout.is_let_in(STORE), "the same one sees it, since it has no answer from before the rule"


def test_of_several_files_git_is_asked_at_once_which_it_ignores_and_which_it_must_not(
    shop: Path, started: list[list[str]]
) -> None:
    for rule in (OURS, ".cline/rules/", "*.mdc"):
        exclude(shop, rule)
    (shop / ".gitignore").write_text("!/a.mdc\n")
    checkout, hidden = Checkout(shop), [OURS, ".cline/rules/b.md", "c.mdc"]

    assert checkout.ignored([*hidden, "a.mdc", "cart.py"]) == hidden
    assert checkout.negated([*hidden, "a.mdc", "cart.py"]) == {"a.mdc"}
    assert [checkout.ignored(hidden) for _ in range(2)] == [hidden] * 2
    assert (len(started), checkout.ignored([])) == (3, [])

    (shop / ".gitignore").write_text("!/c.mdc\n")
    assert checkout.ignored(hidden) == hidden[:2]


def test_a_rule_for_folders_alone_hides_no_file_that_is_to_be_made(shop: Path) -> None:
    exclude(shop, f"{OURS}/")

    assert not Checkout(shop).is_ignored(OURS)
    assert Checkout(shop).is_ignored(f"{OURS}/")


def test_a_checkout_is_looked_at_once(shop: Path) -> None:
    """What it leads to by now is seen by the next one."""
    before = Checkout(shop)
    assert (before.git_dir, before.common, before.others) == (shop / ".git", shop / ".git", ())

    git(shop, "worktree", "add", "--quiet", str(shop.parent / "tree"))
    (shop / ".git").rename(shop.parent / "elsewhere")

    assert before.others == ()
    after = Checkout(shop)
    assert (after.git_dir, after.others, after.head_stamp(), after.refs) == (None, (), 0, None)
    with pytest.raises(OSError, match="not a repository"):
        after.exclude.exists()


def test_without_git_the_index_and_the_ignore_files_answer_as_far_as_they_can(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exclude(shop, f"{STORE}/")
    monkeypatch.setenv("PATH", str(shop / "none"))
    checkout = Checkout(shop)

    assert (checkout.is_tracked(STORE), checkout.is_let_in(STORE)) == (False, False)

    (shop / ".gitignore").write_text("*\n!*/\n")
    with pytest.raises(FileNotFoundError):
        checkout.is_let_in(STORE)
    with pytest.raises(FileNotFoundError):
        checkout.is_tracked("cart.py")


def test_only_so_much_is_remembered_and_nothing_that_may_change_unseen() -> None:
    remember("one", 1, "a")
    remember("two", None, "b")
    assert (known_answer("one", 1), known_answer("one", 2), known_answer("two", None)) == ("a", None, None)

    for number in range(MOST):
        remember(number, 1, number)

    assert (known_answer("one", 1), known_answer(MOST - 1, 1)) == (None, MOST - 1)


def test_what_a_commit_has_in_a_file_is_asked_once_until_head_is_another(shop: Path, started: list[list[str]]) -> None:
    def in_head() -> dict[str, bytes]:
        return Checkout(shop).in_commit("HEAD", ["cart.py"], time.monotonic() + 60)

    assert in_head() == in_head() == {"cart.py": b"total = 0\n"}
    assert len(started) == 1

    (shop / "cart.py").write_text("total = 1\n")
    git(shop, "commit", "--quiet", "--all", "--message", "one")

    assert in_head() == {"cart.py": b"total = 1\n"}
    assert Checkout(shop).in_commit("HEAD", ["none.py"], time.monotonic() + 60) == {"none.py": b""}


@pytest.mark.parametrize("packed", [False, True])
def test_branches_that_are_not_there_are_known_without_git(shop: Path, packed: bool) -> None:
    for name in ("tax", "fix/cents"):
        git(shop, "branch", name)
    if packed:
        git(shop, "pack-refs", "--all")
    git(shop, "branch", "--delete", "--force", "tax")
    named = ["main", "tax", "fix/cents", "fix/euros", "HEAD", "../../config", "/etc/none", "a b"]

    assert Checkout(shop).without_branches(named) == {"tax", "fix/euros"}
    assert Checkout(shop.parent).without_branches(named) == frozenset()
    git(shop, "update-ref", "refs/remotes/origin/fix/euros", "main")  # from which git makes one at a checkout
    if packed:
        git(shop, "update-ref", "refs/remotes/origin/HEAD", "main")  # as in a clone
        git(shop, "pack-refs", "--all")
        git(shop, "update-ref", "refs/remotes/origin/HEAD", "main~0")
    assert Checkout(shop).without_branches(named) == {"tax"}
    (shop / ".git" / "reftable").mkdir()
    assert Checkout(shop).without_branches(named) == frozenset()
