"""What git notes of a merge that waits, a reset and a stash, in repositories that git itself made."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from carryover.facts import GitNotes
from carryover.probe.checkout import Checkout
from carryover.publish.git_state import git_facts
from carryover.records.fields import iso_utc
from support.repository import git, repository

AT_MS = 1_798_000_000_000
PATIENT_S = 20.0


def two_versions(root: Path) -> Path:
    """A repository in which `main` and `theirs` have changed the same line."""
    repository(root, {"cart.py": "1\n"})
    for branch, text in (("theirs", "2\n"), ("main", "3\n")):
        git(root, "checkout", "--quiet", *(["-b"] if branch == "theirs" else []), branch)
        (root / "cart.py").write_text(text)
        git(root, "commit", "--quiet", "--all", "--message", branch)
    return root


def noted(root: Path) -> GitNotes:
    facts = git_facts(Checkout(root), timeout_s=PATIENT_S)
    assert facts is not None
    return facts.notes


@pytest.mark.parametrize(
    ("command", "rebased"),
    [
        ("merge theirs", ""),
        ("rebase theirs", "main"),
        ("rebase --apply theirs", "main"),
        ("cherry-pick theirs", ""),
        ("revert --no-edit HEAD~1", ""),
        ("bisect start HEAD HEAD~1", ""),
    ],
)
def test_an_operation_of_git_is_named_until_it_is_finished(tmp_path: Path, command: str, rebased: str) -> None:
    root = two_versions(tmp_path)
    subprocess.run(["git", *command.split()], cwd=root, capture_output=True, check=False)
    what = command.split()[0]

    assert noted(root) == GitNotes(under_way=what, rebased=rebased)
    git(root, what, "reset" if what == "bisect" else "--abort")
    assert noted(root) == GitNotes()


def test_a_rebase_in_a_worktree_is_not_one_of_the_main_checkout(tmp_path: Path) -> None:
    root = two_versions(tmp_path / "shop")
    git(root, "worktree", "add", "--quiet", str(tmp_path / "tree"), "theirs")
    subprocess.run(["git", "rebase", "main"], cwd=tmp_path / "tree", capture_output=True, check=False)

    assert (noted(root).rebased, noted(tmp_path / "tree").rebased) == ("", "theirs")


def test_a_reset_counts_if_it_led_to_another_commit(tmp_path: Path) -> None:
    root = two_versions(tmp_path)
    before = git(root, "rev-parse", "HEAD")
    (root / "cart.py").write_text("4\n")
    git(root, "reset", "--hard", "--quiet")
    assert noted(root) == GitNotes()

    git(root, "reset", "--hard", "--quiet", "HEAD~1", committed=iso_utc(AT_MS))
    git(root, "commit", "--quiet", "--allow-empty", "--message", "Something else")
    assert noted(root) == GitNotes(reset_ms=AT_MS, reset_from=before[:7])


@pytest.mark.parametrize("message", ["", "On tax: later"])
def test_a_stash_is_known_until_it_is_taken_back(tmp_path: Path, message: str) -> None:
    root = two_versions(tmp_path)
    (root / "cart.py").write_text("4\n")
    git(root, "stash", "push", "--quiet", *(["--message", message] if message else []), committed=iso_utc(AT_MS))
    assert noted(root) == GitNotes(stashed_ms=AT_MS, stashed_on="main")

    git(root, "stash", "pop", "--quiet")
    assert noted(root) == GitNotes()


def test_a_stash_without_a_branch_names_none(tmp_path: Path) -> None:
    root = two_versions(tmp_path)
    git(root, "checkout", "--quiet", "--detach")
    (root / "cart.py").write_text("4\n")
    git(root, "stash", "push", "--quiet", committed=iso_utc(AT_MS))

    assert noted(root) == GitNotes(stashed_ms=AT_MS)


def test_a_log_that_leads_elsewhere_or_is_no_text_says_nothing(tmp_path: Path) -> None:
    root = two_versions(tmp_path / "shop")
    log = root / ".git" / "logs" / "HEAD"
    log.write_bytes(b"\xff\0" * 20_000)
    assert noted(root) == GitNotes()

    (tmp_path / "log").write_text(f"{'1' * 40} {'2' * 40} A <a> 1 +0000\treset: moving to HEAD~1\n")
    log.unlink()
    log.symlink_to(tmp_path / "log")
    assert noted(root) == GitNotes()
