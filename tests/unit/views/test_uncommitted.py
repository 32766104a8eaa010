from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from carryover.probe.git_diff import OwnWrites
from carryover.views.web_chat import LARGEST_BYTES, uncommitted
from support.hostile_repository import PLANTED, hostile_repository, partial_clone
from support.repository import git, repository

NOTHING = OwnWrites()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return repository(tmp_path / "shop", {"cart.py": "total = 0\n", "*.py": "x = 1\n", "old.py": "y\n"})


def test_each_changed_file_comes_with_its_diff(shop: Path) -> None:
    (shop / "cart.py").write_text("total = 1\n")
    (shop / "*.py").write_text("x = 2\n")
    (shop / "old.py").unlink()
    (shop / "staged.py").write_text("z = 1\n")
    git(shop, "add", "staged.py")

    found = {file.path: file for file in uncommitted(shop, own=NOTHING)}

    assert list(found) == ["*.py", "cart.py", "old.py", "staged.py"]
    assert "-total = 0\n+total = 1\n" in found["cart.py"].diff
    assert "+x = 2\n" in found["*.py"].diff
    assert "total" not in found["*.py"].diff
    assert (found["old.py"].diff, found["old.py"].deletions, found["old.py"].gone) == ("", 1, True)
    assert [file.path for file in found.values() if file.new] == ["staged.py"]


def test_text_that_is_hidden_too_large_or_binary_is_not_read(shop: Path) -> None:
    (shop / "cart.py").write_text("total = 'secret'\n")
    (shop / "*.py").write_text("x" * (LARGEST_BYTES + 1))
    (shop / "old.py").write_bytes(b"\0\1")

    found = uncommitted(shop, own=NOTHING, hidden=lambda path: path == "cart.py")

    assert [(file.path, file.diff) for file in found] == [("*.py", ""), ("cart.py", ""), ("old.py", "")]


@pytest.mark.parametrize("plant", PLANTED)
def test_no_program_that_the_repository_names_is_run(tmp_path: Path, plant: Callable[[Path, Path], None]) -> None:
    root = tmp_path / "shop"
    proof = hostile_repository(root, plant)

    found = {file.path: file.diff for file in uncommitted(root, own=NOTHING)}

    assert found["a.py"] == "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-1\n+2\n"
    assert not proof.exists()


def test_every_git_is_started_with_all_guards(shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GitPython starts none itself, but for the version that it asks for once, as it is imported."""
    program, log = tmp_path / "bin" / "git", tmp_path / "log"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho \"$*\" >> '{log}'\nexec '{shutil.which('git')}' \"$@\"\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    (shop / "cart.py").write_text("total = 1\n")

    assert uncommitted(shop, own=NOTHING)[0].diff

    started = [line for line in log.read_text().splitlines() if line != "version"]
    assert len(started) >= 2
    assert all(line.startswith(f"-C {shop} -c core.fsmonitor=false -c core.hooksPath=/dev/null ") for line in started)


def test_nothing_is_fetched_for_a_partial_clone(tmp_path: Path) -> None:
    """git would fetch the blob that a diff needs, by whatever program the remote's address names."""
    root, proof = partial_clone(tmp_path)

    assert uncommitted(root, own=NOTHING) == []
    assert not proof.exists()


def test_a_configuration_that_never_ends_is_not_waited_for(shop: Path, tmp_path: Path) -> None:
    (shop / "cart.py").write_text("total = 1\n")
    os.mkfifo(tmp_path / "pipe")
    git(shop, "config", "include.path", str(tmp_path / "pipe"))

    assert uncommitted(shop, own=NOTHING, timeout_s=0.3) == []


def test_variables_of_a_git_hook_that_runs_us_mislead_nobody(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = repository(tmp_path / "other", {"cart.py": "other\n"})
    (shop / "cart.py").write_text("total = 1\n")
    for name, path in (("GIT_DIR", ".git"), ("GIT_WORK_TREE", ""), ("GIT_INDEX_FILE", ".git/index")):
        monkeypatch.setenv(name, str(other / path))

    assert [file.diff.splitlines()[3:] for file in uncommitted(shop, own=NOTHING)] == [["-total = 0", "+total = 1"]]


def test_a_repository_whose_names_are_longer_has_diffs(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--object-format=sha256", "shop")
    root = repository(tmp_path / "shop", {"cart.py": "1\n"})
    (root / "cart.py").write_text("2\n")

    assert [file.diff.splitlines()[3:] for file in uncommitted(root, own=NOTHING)] == [["-1", "+2"]]


def test_without_a_commit_or_a_repository_there_is_nothing_to_differ_from(tmp_path: Path) -> None:
    assert uncommitted(tmp_path, own=NOTHING) == []
    assert uncommitted(repository(tmp_path / "empty"), own=NOTHING) == []
