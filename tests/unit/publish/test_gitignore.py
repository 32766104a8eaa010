"""`.carryover/` stays out of commits by one rule, where no other does that already."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from carryover.edits.apply import ProjectEdits
from carryover.probe.ignored import exclude_file
from carryover.publish.gitignore import keep_out, other_stores, share_rule, unshare_rule
from support.repository import git, repository

RULE = "# Carryover (auto-added)\n.carryover/\n"


@pytest.fixture
def app(home: Path) -> Path:
    return repository(home / "app", {"a.py": "1\n"})


def kept_out(root: Path, *, shared: bool = True) -> ProjectEdits:
    (root / ".carryover").mkdir(exist_ok=True)
    edits = ProjectEdits(root / ".carryover")
    assert keep_out(root, edits) is None
    (share_rule if shared else unshare_rule)(root, edits)
    return edits


def ignored(root: Path) -> bool:
    (root / ".carryover" / "handoff.md").write_text("")
    return git(root, "status", "--porcelain", "--untracked-files=all").find(".carryover") < 0


@pytest.mark.parametrize(
    "rules", [".carryover", "/.carryover/\r\nother", ".carryover/*", ".car*", ".*", "*", "!k\n.carryover/ "]
)
def test_no_rule_is_added_where_one_of_the_users_does_it(app: Path, rules: str) -> None:
    (app / ".gitignore").write_bytes(f"{rules}\n".encode())

    assert kept_out(app).done == []
    assert ((app / ".gitignore").read_bytes(), ignored(app)) == (f"{rules}\n".encode(), True)


@pytest.mark.parametrize("rule", [".carryover/", "/.carryover"])
def test_no_rule_is_added_where_the_user_s_own_excludes_have_one(app: Path, rule: str) -> None:
    exclude_file(app).write_text(f"{rule}\n")

    assert kept_out(app).done == []
    assert ((app / ".gitignore").exists(), ignored(app)) == (False, True)


@pytest.mark.parametrize("text", [".carryover/\n!.carryover/\n", "# .carryover/\n"])
def test_a_user_who_takes_the_folder_back_in_is_not_contradicted_twice(app: Path, text: str) -> None:
    """What takes it back in is like no rule at all, until our own is above it."""
    (app / ".gitignore").write_text(text)
    assert kept_out(app).done == [".gitignore"]

    (app / ".gitignore").write_text(f"{RULE}!.carryover/\n")
    assert (kept_out(app).done, (app / ".gitignore").read_text()) == ([], f"{RULE}!.carryover/\n")


@pytest.mark.parametrize("original", [None, "", "a", "a\n", "a\r\nb\r\n"])
def test_going_private_moves_our_rule_and_gives_the_file_back(app: Path, original: str | None) -> None:
    gitignore = app / ".gitignore"
    if original is not None:
        gitignore.write_bytes(original.encode())
    kept_out(app)

    edits = kept_out(app, shared=False)

    assert (gitignore.read_bytes().decode() if gitignore.exists() else None) == original
    assert (edits.done, edits.mine, ignored(app)) == ([".gitignore"], set(), True)


@pytest.mark.parametrize("content", ["a\n".encode("utf-16"), b"a\0"])
def test_an_ignore_file_that_cannot_be_edited_is_left_alone_and_the_excludes_used(app: Path, content: bytes) -> None:
    (app / ".gitignore").write_bytes(content)

    assert kept_out(app).notes == [".gitignore was left alone: it is not plain text"]
    assert ((app / ".gitignore").read_bytes(), ignored(app)) == (content, True)


def test_another_checkout_counts_while_it_has_a_folder_for_handoffs(home: Path, app: Path) -> None:
    git(app, "worktree", "add", "--quiet", "../tree")
    assert other_stores(app) == []
    (home / "tree" / ".carryover").mkdir()

    assert other_stores(app) == [home / "tree" / ".carryover"]
    assert other_stores(home) == [], "which is no repository"


def test_excludes_behind_a_symlink_are_not_followed(home: Path) -> None:
    (home / "info").mkdir()
    (home / "info" / "theirs").write_text("theirs\n")
    one, two = (repository(home / name, {"a.py": "1\n"}) / ".git" / "info" for name in ("one", "two"))
    (one / "exclude").unlink()
    (one / "exclude").symlink_to(home / "info" / "theirs")
    shutil.rmtree(two)
    two.symlink_to(home / "info")

    assert [keep_out(info.parents[1], ProjectEdits(home)) for info in (one, two)] == [
        ".git/info/exclude was left alone: it is a symlink, so a handoff would be committed",
        ".git/info/exclude was left alone: its folder is a symlink, so a handoff would be committed",
    ]
    assert [(path.name, path.read_text()) for path in (home / "info").iterdir()] == [("theirs", "theirs\n")]


def test_a_rule_of_ours_that_was_private_is_shared_when_the_project_is(app: Path) -> None:
    """It stays in `info/exclude`, which other worktrees have in common."""
    kept_out(app, shared=False)
    assert git(app, "status", "--porcelain") == ""

    assert kept_out(app).done == [".gitignore"]
    assert (app / ".gitignore").read_text() == RULE
    assert RULE in exclude_file(app).read_text()
