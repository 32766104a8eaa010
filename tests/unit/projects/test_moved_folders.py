"""A moved folder is known by what only the same folder has; a clone, a fork or a new folder is never taken for it."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from carryover.config import Config, ProjectsConfig
from carryover.ledger.rows import Whereabouts
from carryover.paths import STORE, StateDir
from carryover.projects.handoff_file import HANDOFF, fingerprint_of, write_handoff
from carryover.projects.moved_folders import how_to_link, identity_of, moved_to_here, moves_with
from carryover.projects.root import StatePaths
from carryover.redact import CleanText
from support.platforms import altered, on
from support.repository import git, repository

TEXT = "# [CARRYOVER] Last updated 2026-11-20T06:00:00Z from Claude Code\n## Task\n- Add a discount\n"
NONE_YET = "# [CARRYOVER] No prior session captured.\n"


@pytest.fixture
def old(home: Path) -> Path:
    """A repository with a remote, in which a handoff was published."""
    root = repository(home / "work" / "shop", {"cart.py": "total = 0\n"})
    git(root, "remote", "add", "origin", "https://example.com/shop.git")
    return root


def row(root: Path, *, sha: str | None = None, **more: object) -> Whereabouts:
    """What the ledger knew of the project at `root` while it was there."""
    usual = {"id": 1, "moved_to": None, "not_moved": False, "main_root": None, "has_sessions": True, "left": False}
    identity = identity_of(root)
    return msgspec.convert(
        {**usual, "root": str(root), "identity": identity, "published_sha": sha, "is_published": bool(sha), **more},
        Whereabouts,
    )


def found(new: Path, *known: Whereabouts, home: Path, config: Config | None = None) -> list[str]:
    rows = moved_to_here(
        new, identity_of(new), known, config or Config(), StatePaths(StateDir(home / ".carryover"), home)
    )
    return [each.root for each in rows]


def suggested(new: Path, *known: Whereabouts) -> list[str]:
    return re.findall(r"`carryover link (\S+) ", how_to_link(known, str(new), has_work=False) or "")


def published(root: Path, text: str = TEXT) -> str:
    root.mkdir(parents=True, exist_ok=True)
    write_handoff(root / STORE, CleanText(text))
    return fingerprint_of(text.encode())


def test_a_clone_is_not_taken_for_the_first_one_that_is_gone_by_now(home: Path, old: Path) -> None:
    """Both were there once, and what was said in the one was not said in the other."""
    known = row(old, sha=published(old))
    clone = home / "again" / "shop"
    git(home, "clone", "--quiet", str(old), str(clone))
    git(clone, "remote", "set-url", "origin", "https://example.com/shop.git")
    shutil.rmtree(old)

    assert found(clone, known, home=home) == []
    assert suggested(clone, known) == [str(old)]


@pytest.mark.parametrize("changed", [{}, {"device": 1}, {"inode": 1}, {"made_ns": 1}])
def test_a_renamed_repository_is_found_if_all_evidence_agrees(
    home: Path, old: Path, changed: dict[str, object]
) -> None:
    """A new repository may get the inode of a deleted one. A change of the configuration makes no difference."""
    identity = identity_of(old)
    assert identity is not None
    known = row(old, identity=msgspec.json.encode({**msgspec.json.decode(identity), **changed}).decode())
    git(old, "remote", "set-url", "origin", "https://example.com/store.git")

    new = old.rename(home / "work" / "store")

    assert found(new, known, home=home) == ([] if changed else [str(old)])


@pytest.mark.parametrize("text", [TEXT, TEXT + "- more\n", NONE_YET])
def test_a_folder_without_git_is_known_by_the_very_handoff_it_holds(home: Path, text: str) -> None:
    """What earlier versions wrote where there was none is the same in every project."""
    old = home / "notes"
    known = row(old, sha=published(old, NONE_YET if text == NONE_YET else TEXT))
    new = old.rename(home / "diary")
    (new / STORE / HANDOFF).write_text(text)

    assert found(new, known, home=home) == ([str(old)] if text == TEXT else [])


def test_a_handoff_that_came_with_a_clone_is_no_evidence(home: Path) -> None:
    """Somebody has committed it."""
    old = repository(home / "theirs", {"a.py": "1\n"})
    known = row(old, sha=published(old), identity=None)
    git(old, "add", "--force", f"{STORE}/{HANDOFF}")
    git(old, "commit", "--quiet", "--message", "oops")
    git(home, "clone", "--quiet", str(old), str(home / "clone"))
    shutil.rmtree(old)

    assert found(home / "clone", known, home=home) == []


def test_a_handoff_is_no_evidence_while_the_old_folders_disk_may_be_missing(home: Path) -> None:
    old = home / "stick" / "notes"
    known = row(old, sha=published(old))
    Path(shutil.copytree(old, home / "notes"))
    shutil.rmtree(home / "stick")

    assert found(home / "notes", known, home=home) == []
    assert suggested(home / "notes", known) == [str(old)]


@pytest.mark.parametrize("said", [{"not_moved": True}, {"moved_to": 7}, {"has_sessions": False}])
def test_what_was_undone_or_done_already_or_is_empty_is_not_found(home: Path, old: Path, said: dict[str, Any]) -> None:
    known, other = row(old, **said), row(old)
    new = old.rename(home / "work" / "shop again")

    assert (found(new, known, home=home), suggested(new, known)) == ([], [])
    for left_out in (Config(projects=ProjectsConfig(exclude=(str(old),))), Config(paused=True)):
        assert found(new, other, home=home, config=left_out) == []


def test_an_identity_is_that_of_a_repository_of_which_the_age_is_known(home: Path, old: Path) -> None:
    """git gives a new worktree the folder, and perhaps the inode, of one that was removed."""
    git(old, "worktree", "add", "--quiet", str(home / "tree"))
    ageless = repository(home / "ageless", {"a.py": "1\n"})
    (ageless / ".git" / "description").unlink()
    timeless = repository(home / "timeless", {"a.py": "1\n"})
    os.utime(timeless / ".git" / "description", ns=(0, 0))  # as in reproducible images

    assert [identity_of(root) for root in (home / "tree", home, ageless, timeless)] == [None] * 4
    assert identity_of(repository(home / "empty")) is not None


def worktree(main: Path, root: Path) -> Whereabouts:
    """What the ledger knew of a worktree, which had a handoff."""
    git(main, "worktree", "add", "--quiet", str(root))
    sha = published(root, f"{TEXT}- In {root.name}\n")
    return row(root, sha=sha, identity=identity_of(main), main_root=str(main))


@pytest.mark.parametrize("how", ["git", "by hand"])
def test_a_worktree_that_was_removed_has_moved_into_its_main_checkout(home: Path, old: Path, how: str) -> None:
    known = worktree(old, home / "work" / "labels")
    git(old, "remote", "set-url", "origin", "https://example.com/store.git")
    assert found(old, known, home=home) == []

    if how == "git":
        git(old, "worktree", "remove", "--force", known.root)
    else:
        shutil.rmtree(known.root)

    assert found(old, known, home=home) == [known.root]


def test_a_worktree_that_is_gone_belongs_to_no_clone_and_no_other_worktree(home: Path, old: Path) -> None:
    known, other = worktree(old, home / "work" / "labels"), worktree(old, home / "work" / "other")
    clone = home / "again" / "labels"
    git(home, "clone", "--quiet", str(old), str(clone))
    git(old, "worktree", "remove", "--force", known.root)

    assert [found(root, known, home=home) for root in (clone, Path(other.root))] == [[], []]
    assert suggested(clone, known) == []


def test_a_worktree_that_moved_has_not_moved_into_the_main_checkout(home: Path, old: Path) -> None:
    known = worktree(old, home / "work" / "labels")
    moved = home / "work" / "stickers"
    git(old, "worktree", "move", known.root, str(moved))

    assert found(old, known, home=home) == []
    assert found(moved, known, home=home) == [known.root]


def test_a_worktree_on_a_disk_that_may_be_missing_is_not_taken_for_removed(home: Path, old: Path) -> None:
    known = worktree(old, home / "stick" / "labels")
    shutil.rmtree(home / "stick")
    assert found(old, known, home=home) == []

    git(old, "worktree", "prune")
    assert found(old, known, home=home) == [known.root]


def test_a_worktree_of_a_repository_that_was_replaced_is_not_the_new_ones(home: Path, old: Path) -> None:
    known = worktree(old, home / "work" / "labels")
    for folder in (known.root, old):
        shutil.rmtree(folder)
    repository(old, {"cart.py": "total = 0\n"})

    assert found(old, known, home=home) == []


@pytest.mark.parametrize(("known", "is_said"), [({}, True), ({"moved_to": 2}, False), ({"not_moved": True}, False)])
def test_another_machines_project_of_the_same_name_can_be_joined(old: Path, known: Any, is_said: bool) -> None:
    other = row(Path("ann-laptop:/home/ann/shop"), **known)
    beside = [row(Path("ann-laptop:/home/ann/shop2")), row(old)]

    said = how_to_link([*beside, other], str(old), has_work=True) or ""
    assert (f"`carryover link {other.root} {old}` joins the two" in said) is is_said
    assert said.count("carryover link") == is_said


def test_a_folder_with_work_of_its_own_is_no_guess_at_where_another_has_gone(old: Path, home: Path) -> None:
    gone = row(home / "gone" / "shop")

    assert how_to_link([gone], str(old), has_work=True) is None
    assert str(gone.root) in (how_to_link([gone], str(old), has_work=False) or "")
    assert how_to_link([gone], str(home / "nowhere" / "shop"), has_work=False) is None


def test_a_move_takes_projects_below_along(home: Path) -> None:
    """Each folder that was worked in is a project of its own once all of them are gone."""
    rows = [row(home / name) for name in ("old", "old/part", "old/deep/er", "older", "other")]
    (home / "old" / "deep" / "er").mkdir(parents=True)

    taken = moves_with(f"{home}/old", f"{home}/new", rows, lambda folder: f"top of {folder}")

    assert [(each.root, root) for each, root in taken] == [
        (f"{home}/old", f"{home}/new"),
        (f"{home}/old/part", f"top of {home}/new/part"),
    ]


def test_of_many_projects_only_one_that_it_may_be_is_looked_for(home: Path, old: Path) -> None:
    """Each is compared with each other one when all are read for the first time."""
    known = [row(old), *(row(home / "work" / str(number), identity=None) for number in range(20))]
    asked: list[str] = []

    def canonical(path: Path | str) -> str:
        asked.append(str(path))
        return os.path.realpath(path)

    new = old.rename(home / "work" / "store")
    for other in known[1:]:
        Path(other.root).mkdir()
    with on(altered(canonical=canonical)):
        assert found(new, *known, home=home) == [str(old)]

    assert [path for path in asked if path in {other.root for other in known}] == []
