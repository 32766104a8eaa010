"""A `.git` is believed only if what it names is its own, or names it back; else git is not even asked."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from carryover.config import AgentsConfig
from carryover.facts import ProjectRoot
from carryover.paths import StateDir
from carryover.probe import git_dir
from carryover.probe.checkout import Checkout
from carryover.probe.git_command import GitAnswer, ask
from carryover.probe.git_dir import may_be_asked, worktrees_of
from carryover.probe.git_history import newest_commits
from carryover.projects.policy import refusal
from carryover.projects.root import StatePaths, agents_checkouts, find_root
from carryover.publish.git_state import git_facts
from support.forged_git import FORGED, bare_that_shares, claimed, git_file
from support.repository import git, repository

ALLOW = ("-c", "protocol.file.allow=always")


def made(home: Path, forge: Callable[[Path], None]) -> Path:
    root = home / "work" / "stranger"
    root.mkdir()
    forge(root)
    return root


@pytest.mark.parametrize("forge", FORGED, ids=lambda forge: forge.__name__)
def test_a_forged_folder_is_a_project_of_its_own_and_git_says_nothing_of_another(
    home: Path, forge: Callable[[Path], None]
) -> None:
    shop = claimed(home)
    root = made(home, forge)

    assert find_root(str(root)) == ProjectRoot(str(root))
    assert not may_be_asked(root)
    assert (git_facts(Checkout(root), timeout_s=20), newest_commits(root)) == (None, [])
    questions = ("symbolic-ref", "HEAD"), ("ls-files",), ("config", "--list")
    assert ask(root, *questions, deadline=time.monotonic() + 20) == [GitAnswer(128, b"")] * len(questions)
    assert (
        refusal(Checkout(root), StatePaths(StateDir(home / ".carryover"), home)) is not None
        or forge is bare_that_shares
    ), "nothing can be committed there"
    try:
        assert Checkout(root).exclude.resolve().is_relative_to(root)
    except OSError as error:
        assert str(error) == "[Errno 22] it is not a repository"
    assert root not in Checkout(shop).others


@pytest.mark.parametrize("place", ["../shop/.bare", "../elsewhere.git", "../outer/.git/modules/inner"])
def test_the_data_folder_of_another_that_shares_nothing_is_not_believed(home: Path, place: str) -> None:
    """A bare repository, one of `--separate-git-dir` and a submodule's."""
    inner = repository(home / "work" / "inner", {"a.py": "1\n"})
    git(home, "clone", "--quiet", "--bare", str(inner), "work/shop/.bare")
    git(home / "work", "init", "--quiet", "--separate-git-dir", "elsewhere.git", "app")
    git(repository(home / "work" / "outer"), *ALLOW, "submodule", "--quiet", "add", str(inner), "inner")
    root = made(home, lambda root: git_file(root, place))

    assert (root / place / "HEAD").exists()
    assert (Checkout(root).git_dir, git_facts(Checkout(root), timeout_s=20)) == (None, None)


def test_a_folder_of_branches_may_be_as_deep_as_the_disk_allows(home: Path) -> None:
    root = repository(home / "app", {"a.py": "1\n"})
    folder = root / ".git" / "refs" / "heads"
    for _ in range(15):
        folder /= "/".join("a" * 100)
        folder.mkdir(parents=True)
    try:
        facts = git_facts(Checkout(root), timeout_s=20)
    finally:
        subprocess.run(["rm", "-rf", str(root)], check=True)  # Python can't remove it

    assert facts is not None
    assert facts.subject == "first commit"


@pytest.mark.parametrize("name", ["config", "config.worktree"])
@pytest.mark.parametrize("value", ["files:///nowhere", "reftable:\\\n//nowhere"])
def test_branches_that_a_configuration_takes_from_elsewhere_are_not_read(home: Path, name: str, value: str) -> None:
    """git 2.54 and later follow it."""
    root = repository(home / "app", {"a.py": "1\n"})
    (root / ".git" / name).write_text(f"[Extensions] refStorage = files\nRefstorage = {value}\n")

    assert not may_be_asked(root)


def plain(home: Path) -> Path:
    return repository(home / "app", {"a.py": "1\n"})


def added(repo: Path, place: str, *words: str) -> Path:
    git(repo, *words, "worktree", "add", "--quiet", "-b", "feature", place)
    return Path(os.path.normpath(repo / place))


def worktree(home: Path) -> Path:
    return added(plain(home), "../tree")


def relative_worktree(home: Path) -> Path:
    """As git 2.48 writes it with `worktree.useRelativePaths`."""
    root = worktree(home)
    git_file(root, "../app/.git/worktrees/tree")
    (home / "app" / ".git" / "worktrees" / "tree" / "gitdir").write_text("../../../../tree/.git\n")
    return root


def moved_worktree(home: Path) -> Path:
    root = worktree(home).rename(home / "moved")
    git(root, "worktree", "repair")
    return root


def worktree_whose_main_moved(home: Path) -> Path:
    root = worktree(home)
    git((home / "app").rename(home / "renamed"), "worktree", "repair")
    return root


def bare(home: Path, place: str) -> Path:
    git(home, "clone", "--quiet", "--bare", str(plain(home)), place)
    return home / place


def worktree_of_bare(home: Path) -> Path:
    return added(bare(home, "bare.git"), "../tree")


def top_of_bare(home: Path) -> Path:
    """A folder with a bare repository in it, and its worktrees beside that."""
    root = bare(home, "all/.bare").parent
    git_file(root, "./.bare")
    return root


def worktree_beside_bare(home: Path) -> Path:
    return added(top_of_bare(home), "tree")


def submodule(home: Path, name: str = "inner") -> Path:
    outer = repository(home / "outer", {"b.py": "1\n"})
    git(outer, *ALLOW, "submodule", "--quiet", "add", str(plain(home)), name)
    git(outer, "commit", "--quiet", "--message", "a part")
    return outer / name


def submodule_with_an_odd_name(home: Path) -> Path:
    return submodule(home, 'the "inner" #1')


def sparse_submodule(home: Path) -> Path:
    """git keeps its `core.worktree` in another file then."""
    root = submodule(home)
    git(root, "sparse-checkout", "init")
    return root


def submodule_of_a_submodule(home: Path) -> Path:
    submodule(home)
    outermost = repository(home / "outermost")
    git(outermost, *ALLOW, "submodule", "--quiet", "add", str(home / "outer"), "outer")
    git(outermost, *ALLOW, "submodule", "--quiet", "update", "--init", "--recursive")
    return outermost / "outer" / "inner"


def submodule_of_a_worktree(home: Path) -> Path:
    tree = added(submodule(home).parent, "../tree")
    git(tree, *ALLOW, "submodule", "--quiet", "update", "--init")
    return tree / "inner"


def worktree_of_a_submodule(home: Path) -> Path:
    return added(submodule(home), "../../tree")


def separate(home: Path) -> Path:
    git(home, "init", "--quiet", "--separate-git-dir", "elsewhere.git", "app")
    return plain(home)


def separated_later(home: Path) -> Path:
    root = plain(home)
    git(root, "init", "--quiet", "--separate-git-dir", "../elsewhere.git")
    return root


def cloned_apart(home: Path) -> Path:
    git(home, "clone", "--quiet", "--separate-git-dir", "elsewhere.git", str(plain(home)), "clone")
    return home / "clone"


def link_that_is_named_back(home: Path) -> Path:
    root = plain(home)
    (root / ".git").rename(home / "elsewhere")
    (root / ".git").symlink_to("../elsewhere")
    git(root, "config", "core.worktree", "../app")
    return root


def worktree_of_a_separate_one(home: Path) -> Path:
    return added(separate(home), "../tree")


def clone_that_shares_objects(home: Path) -> Path:
    git(home, "clone", "--quiet", "--shared", str(plain(home)), "clone")
    return home / "clone"


def head_as_a_link(home: Path) -> Path:
    """As git wrote it with `core.preferSymlinkRefs`."""
    head = plain(home) / ".git" / "HEAD"
    head.unlink()
    head.symlink_to("refs/heads/main")
    return home / "app"


def named_behind_blanks(home: Path) -> Path:
    """Read at once, not after an hour: the blanks that end a value are not tried one by one."""
    root = separate(home)
    settings = root / os.fsdecode((root / ".git").read_bytes().strip().removeprefix(b"gitdir: ")) / "config"
    forged = f"[other]\n\tworktree = a{' ' * 500_000}x\n"
    settings.write_text(f'{settings.read_text()}{forged}[core]\n\tWorkTree = "{root}" \t\n')
    return root


DETACHED = (submodule_of_a_submodule, submodule_of_a_worktree)
MAIN = {worktree: "app", relative_worktree: "app", moved_worktree: "app", worktree_whose_main_moved: "renamed"}


@pytest.mark.parametrize(
    "kind",
    [
        *(plain, *MAIN, worktree_of_bare, top_of_bare, worktree_beside_bare, separate, separated_later, cloned_apart),
        *(submodule, submodule_with_an_odd_name, sparse_submodule, submodule_of_a_submodule, submodule_of_a_worktree),
        *(worktree_of_a_submodule, worktree_of_a_separate_one, link_that_is_named_back, clone_that_shares_objects),
        *(head_as_a_link, named_behind_blanks),
    ],
    ids=lambda kind: kind.__name__,
)
def test_each_layout_that_git_makes_is_believed(home: Path, kind: Callable[[Path], Path]) -> None:
    root = kind(home)
    facts, common = git_facts(Checkout(root), timeout_s=20), Checkout(root).common
    main_root = str(home / MAIN[kind]) if kind in MAIN else None

    assert find_root(str(root)) == ProjectRoot(str(root), main_root)
    assert facts is not None
    assert facts.subject in ("first commit", "a part", "")
    assert facts.branch in ("main", "feature") or kind in DETACHED
    assert common is not None
    assert common.samefile(root / git(root, "rev-parse", "--git-common-dir").strip())
    if "worktree" in git(root, "rev-parse", "--git-dir"):
        assert root in worktrees_of(common) or kind is submodule_of_a_worktree


def test_a_worktree_is_the_same_by_all_ways_that_lead_to_it(home: Path) -> None:
    root = worktree(home / "data")
    (home / "link").symlink_to(home / "data")

    assert find_root(str(home / "link" / "tree")) == ProjectRoot(str(root), str(home / "data" / "app"))
    assert (
        Checkout(home / "link" / "tree").git_dir
        == Checkout(root).git_dir
        == home / "data" / "app" / ".git" / "worktrees" / "tree"
    )


@pytest.mark.parametrize(("most", "looked_at"), [(3, 3), (2, 0)])
def test_worktrees_without_number_are_not_looked_at(
    home: Path, monkeypatch: pytest.MonkeyPatch, most: int, looked_at: int
) -> None:
    """An archive may bring any number of entries, whose folders are nowhere."""
    common = repository(home / "work" / "stranger") / ".git"
    for name in ("a", "b", "c"):
        (common / "worktrees" / name).mkdir(parents=True)
        (common / "worktrees" / name / "gitdir").write_text(f"/nowhere/{name}/.git\n")
    monkeypatch.setattr(git_dir, "MOST_ENTRIES", most)

    assert len(list(git_dir.listed_worktrees(common))) == looked_at
    assert list(worktrees_of(common)) == []


def test_a_worktree_in_an_agents_folder_that_does_not_name_the_repository_is_not_its_own(home: Path) -> None:
    """Neither by what the folder says, nor by what the repository does."""
    shop = claimed(home)
    stranger, forged = repository(home / "work" / "stranger"), home / ".codex" / "worktrees" / "ab12" / "shop"
    own = added(shop, str(home / ".codex" / "worktrees" / "cd34" / "shop"))
    forged.mkdir(parents=True)
    git_file(forged, "g")
    (forged / "g").mkdir()
    for name, text in (("HEAD", "ref: refs/heads/main"), ("commondir", str(shop / ".git")), ("gitdir", "../.git")):
        (forged / "g" / name).write_text(f"{text}\n")
    data = stranger / ".git" / "worktrees" / "shop"
    data.mkdir(parents=True)
    for name, text in (("HEAD", "ref: refs/heads/main"), ("commondir", "../.."), ("gitdir", str(own / ".git"))):
        (data / name).write_text(f"{text}\n")

    assert find_root(str(forged), home=home) == ProjectRoot(str(forged))
    assert [agents_checkouts(Checkout(root), AgentsConfig()) for root in (shop, stranger)] == [(str(own),), ()]
    assert Checkout(stranger).others == ()
