"""On a disk that folds letters, as macOS has, all spellings of a folder are one project: it is paused, forgotten and
joined as one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from carryover.config import Config, ProjectsConfig, PublishConfig, project_settings
from carryover.daemon.hooks.call import Refused, check_folder
from carryover.facts import ProjectRoot
from carryover.paths import StateDir
from carryover.platform import MACOS, here
from carryover.probe.checkout import Checkout
from carryover.projects.policy import refusal
from carryover.projects.root import StatePaths, find_root
from support.folding_disk import can_fold, folding_disk
from support.platforms import on
from support.recorded_shop import Run
from support.repository import git, repository
from support.shop_in_ledger import read_in

__all__ = ["read_in"]

needs_disk = pytest.mark.skipif(not can_fold(), reason="needs /dev/fuse and root")
COMPOSED: Final = "Caf\xe9"
DECOMPOSED: Final = "Cafe\u0301"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    behind, at = tmp_path / "behind", tmp_path / "Disk"
    behind.mkdir()
    at.mkdir()
    with folding_disk(behind, at), on(MACOS):
        yield at


@pytest.fixture
def shop(disk: Path) -> Path:
    return repository(disk / "Work" / COMPOSED, {"src/cart.py": "total = 0\n"})


def spellings(shop: Path) -> list[Path]:
    top = shop.parents[1]
    return [shop, top / "work" / COMPOSED.lower(), top / "WORK" / DECOMPOSED, top / "Work" / DECOMPOSED.upper()]


@needs_disk
def test_all_spellings_of_a_folder_are_one_project(shop: Path, home: Path) -> None:
    git(shop, "worktree", "add", "--quiet", str(shop.parent / "Tree"))
    (home / "link").symlink_to(spellings(shop)[1])

    assert {find_root(str(folder / "SRC")) for folder in spellings(shop)} == {ProjectRoot(str(shop))}
    assert find_root(str(home / "link")) == ProjectRoot(str(shop))
    assert find_root(str(shop.parent / "tREE")) == ProjectRoot(str(shop.parent / "Tree"), main_root=str(shop))
    assert find_root(str(shop.parents[1] / "WORK" / "new")).root == str(shop.parent / "new"), "nothing is there yet"


@needs_disk
def test_a_project_is_left_out_by_whichever_spelling_it_was_named(shop: Path) -> None:
    for folder in spellings(shop):
        named = Config(projects=ProjectsConfig(exclude=(str(folder),)))
        shared = Config(publish=PublishConfig(projects={f"{folder.parent}/*": "shared"}))
        only = Config(projects=ProjectsConfig(include=(str(folder),)))

        assert project_settings(shop, named).excluded is not None
        assert project_settings(shop, only).excluded is None
        assert project_settings(shop, shared).pointers == "shared"


@needs_disk
def test_a_file_keeps_the_name_by_which_it_was_found(shop: Path) -> None:
    """Of one with two names, macOS may tell the other."""
    (shop / "src" / "other.py").hardlink_to(shop / "src" / "cart.py")

    assert here().canonical(spellings(shop)[1] / "SRC" / "other.py") == str(shop / "src" / "other.py")


def test_the_links_at_the_top_of_a_mac_are_known() -> None:
    with on(MACOS):
        assert here().alike("/tmp/Shop") == here().alike("/private/TMP/shop") != here().alike("/tmpshop")
        assert here().alike("/System/Volumes/Data/Users/Dev") == here().alike("/users/dev")
        assert here().alike("stra\xdfe") != here().alike("strasse"), "two names on disk"


@needs_disk
def test_a_project_that_was_paused_by_one_spelling_resumes_by_another(shop: Path, home: Path, run: Run) -> None:
    (home / ".carryover").mkdir(mode=0o700)
    run("pause", str(spellings(shop)[1]))
    with on("linux"):
        run("pause", str(spellings(shop)[2]))
    assert len(StateDir(home / ".carryover").config.read_text().splitlines()) == 2

    assert "already" in run("pause", str(shop))[1]
    code, _, _ = run("unpause", str(shop))

    assert code == 0
    assert StateDir(home / ".carryover").config.read_text().strip() == ""


@needs_disk
def test_a_hook_is_known_by_whichever_spelling_it_comes_but_not_through_a_link(shop: Path) -> None:
    for folder in spellings(shop):
        assert check_folder(str(folder / "SRC"), root_of=find_root) == ProjectRoot(str(shop))
    (shop / "link").symlink_to("src")
    with pytest.raises(Refused, match="a symlink inside a project"):
        check_folder(str(spellings(shop)[1] / "Link"), root_of=find_root)


@needs_disk
def test_folders_of_keys_are_known_by_any_spelling(disk: Path) -> None:
    (disk / ".SSH" / "keys").mkdir(parents=True)
    refused = refusal(
        Checkout(Path(here().canonical(disk / ".ssh" / "keys"))), StatePaths(StateDir(disk / ".carryover"), disk)
    )

    assert refused is not None and refused.reason == "it is a folder of keys and logins"
