"""Folders as a stranger's archive may bring them, whose `.git` claims the repository `shop` beside them."""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from support.repository import git, repository

SECRET_BRANCH: Final = "merger-with-okapi"
LONGEST_PATH: Final = 4080
MOST_BYTES: Final = 4095
"""Of the whole name of a file."""
SECRET_SUBJECT: Final = "Prepare the takeover of Quagga Ltd"


def claimed(home: Path) -> Path:
    """The repository that a forged folder claims, with a worktree `tree`, and its content on a branch."""
    shop = repository(home / "work" / "shop", {"cart.py": "total = 0\n"})
    git(shop, "checkout", "--quiet", "-b", SECRET_BRANCH)
    git(shop, "commit", "--quiet", "--allow-empty", "--message", SECRET_SUBJECT)
    git(shop, "worktree", "add", "--quiet", "--detach", "../tree")
    (shop / "cart.py").write_text("total = 1\n")
    return shop


def git_file(root: Path, names: str) -> None:
    (root / ".git").write_text(f"gitdir: {names}\n")


def data_folder(folder: Path, **files: str) -> None:
    """Four small files that git takes for a worktree's data folder; `files` replaces or adds some."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {"HEAD": f"ref: refs/heads/{SECRET_BRANCH}", **files}.items():
        (folder / name).write_text(f"{text}\n")


def of_its_own(root: Path) -> Path:
    """A whole repository of the stranger's on a branch that `shop` has too."""
    repository(root, {"a.py": "1\n"})
    git(root, "checkout", "--quiet", "-b", SECRET_BRANCH)
    return root / ".git"


def worktree_in_itself(root: Path) -> None:
    git_file(root, "g")
    data_folder(root / "g", commondir="../../shop/.git", gitdir="../.git")


def worktree_in_worktrees_of_its_own(root: Path) -> None:
    git_file(root, "x/worktrees/w")
    data_folder(root / "x/worktrees/w", commondir="../../../../shop/.git", gitdir="../../../.git")


def worktree_behind_a_link(root: Path) -> None:
    git_file(root, "g")
    (root / "g").symlink_to("../shop/.git/worktrees/tree")


def worktrees_behind_a_link(root: Path) -> None:
    git_file(root, "x/worktrees/tree")
    (root / "x").mkdir()
    (root / "x" / "worktrees").symlink_to("../../shop/.git/worktrees")


def another_worktrees(root: Path) -> None:
    git_file(root, "../shop/.git/worktrees/tree")


def another_checkouts(root: Path) -> None:
    git_file(root, "../shop/.git")


def link_to_another_checkouts(root: Path) -> None:
    (root / ".git").symlink_to("../shop/.git")


def link_to_another_worktrees_file(root: Path) -> None:
    (root / ".git").symlink_to("../tree/.git")


def name_with_a_space(root: Path) -> None:
    """Read without its space, it names a repository of the stranger's own."""
    of_its_own(root).rename(root / "g")
    git_file(root, " g")
    data_folder(root / " g", commondir="../../shop/.git", gitdir="../.git")


def name_across_a_link(root: Path) -> None:
    """Shortened as a text, it names a repository of the stranger's own."""
    of_its_own(root).rename(root / "g")
    (root / "link").symlink_to("../shop/.git/worktrees")
    git_file(root, "link/../g")
    (root.parent / "shop" / ".git" / "g").symlink_to("../.git")


def folder_that_shares(root: Path) -> None:
    data_folder(root / ".git", commondir="../../shop/.git", gitdir="../.git")


def refs_and_objects_are_links(root: Path) -> None:
    own = of_its_own(root)
    for name in ("refs", "objects"):
        shutil.rmtree(own / name)
        (own / name).symlink_to(f"../../shop/.git/{name}")


def one_branch_is_a_link(root: Path) -> None:
    own = of_its_own(root)
    branch = own / "refs" / "heads" / SECRET_BRANCH
    branch.unlink()
    branch.symlink_to(f"../../../../shop/.git/refs/heads/{SECRET_BRANCH}")
    (own / "objects" / "info" / "alternates").write_text("../../../shop/.git/objects\n")


def a_branch_too_deep_to_be_looked_at(root: Path) -> None:
    """By its whole name, which is too long; git goes there from the top of the checkout."""
    _branch_in(root, "/".join([".git/refs/heads", *["d" * 200] * 20])[:LONGEST_PATH].rstrip("/"))


def a_branch_whose_folder_alone_can_be_looked_at(root: Path) -> None:
    """The folder's whole name is as long as one may be, so that of what is in it is too long."""
    most = MOST_BYTES - len(os.fsencode(root)) - len("/")
    _branch_in(root, "/".join([".git/refs/heads", *["d" * 200] * 20])[:most].ljust(most, "d"))


def a_link_that_leads_to_a_branch_too_deep(root: Path) -> None:
    """Through a folder that says nothing of branches."""
    deep = "/".join(["deep", *["d" * 200] * 21])[: LONGEST_PATH - len(".git/")]
    _branch_in(root, f".git/{deep}")
    (root / ".git" / "refs" / "heads" / "y").symlink_to(f"../../{deep}/x")


def _branch_in(root: Path, name: str) -> None:
    own = of_its_own(root)
    (own / "objects" / "info" / "alternates").write_text("../../../shop/.git/objects\n")
    folder = os.open(root, os.O_RDONLY)
    for part in name.split("/"):
        with suppress(FileExistsError):
            os.mkdir(part, dir_fd=folder)
        inner = os.open(part, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.symlink(root.parent / "shop" / ".git" / "refs" / "heads" / SECRET_BRANCH, "x", dir_fd=folder)
    os.close(folder)


def a_branch_names_a_link(root: Path) -> None:
    own = of_its_own(root)
    (own / "refs" / "heads" / SECRET_BRANCH).write_text("ref: main-worktree/FOUND\n")
    (own / "FOUND").symlink_to(f"../../shop/.git/refs/heads/{SECRET_BRANCH}")
    (own / "objects" / "info" / "alternates").write_text("../../../shop/.git/objects\n")


def head_is_a_link(root: Path) -> None:
    own = of_its_own(root)
    git(root, "branch", "--quiet", "--move", "mine")
    (own / "HEAD").unlink()
    (own / "HEAD").symlink_to("../../shop/.git/HEAD")


def index_is_a_link(root: Path) -> None:
    own = of_its_own(root)
    git(root, "branch", "--quiet", "--move", "mine")
    (own / "index").unlink()
    (own / "index").symlink_to("../../shop/.git/index")
    shutil.rmtree(own / "objects")
    (own / "objects").symlink_to("../../shop/.git/objects")


def bare_that_shares(root: Path) -> None:
    data_folder(root, commondir="../shop/.git")
    (root / "objects").mkdir()


def bare_below_a_broken_one(root: Path) -> None:
    bare_that_shares(root)
    data_folder(root / ".git", HEAD="no branch")


def bare_beside_another(root: Path) -> None:
    """git would show in it what is in the other folder."""
    git(root.parent, "clone", "--quiet", "--bare", "shop", root.name)
    config = root / "config"
    config.write_text(config.read_text().replace("bare = true", "worktree = ../shop"))


def bare_beside_another_on_one_line(root: Path) -> None:
    git(root.parent, "clone", "--quiet", "--bare", "shop", root.name)
    (root / "config").write_text("[Core]repositoryformatversion = 0\n[Core] WorkTree=../shop\n")


FORGED: Final[tuple[Callable[[Path], None], ...]] = (
    worktree_in_itself,
    worktree_in_worktrees_of_its_own,
    worktree_behind_a_link,
    worktrees_behind_a_link,
    another_worktrees,
    another_checkouts,
    link_to_another_checkouts,
    link_to_another_worktrees_file,
    name_with_a_space,
    name_across_a_link,
    folder_that_shares,
    refs_and_objects_are_links,
    one_branch_is_a_link,
    a_branch_too_deep_to_be_looked_at,
    a_branch_whose_folder_alone_can_be_looked_at,
    a_link_that_leads_to_a_branch_too_deep,
    a_branch_names_a_link,
    head_is_a_link,
    index_is_a_link,
    bare_that_shares,
    bare_below_a_broken_one,
    bare_beside_another,
    bare_beside_another_on_one_line,
)
