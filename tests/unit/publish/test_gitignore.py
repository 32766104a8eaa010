"""`.carryover/` stays out of commits by one rule, where no other does that already."""

from __future__ import annotations

from pathlib import Path

import pytest

from carryover.edits.apply import ProjectEdits
from carryover.publish.gitignore import exclude_file, ignored_by_text, keep_out
from support.repository import git, repository

RULE = "# Carryover (auto-added)\n.carryover/\n"


def kept_out(root: Path, *, shared: bool = True) -> ProjectEdits:
    (root / ".carryover").mkdir(exist_ok=True)
    edits = ProjectEdits(root / ".carryover")
    keep_out(root, edits, shared=shared)
    return edits


def ignored(root: Path) -> bool:
    (root / ".carryover" / "handoff.md").write_text("")
    return git(root, "status", "--porcelain", "--untracked-files=all").find(".carryover") < 0


@pytest.mark.parametrize(
    ("text", "certainly"),
    [
        (".carryover/\n", True),
        ("/.carryover\r\nother\n", True),
        ("# .carryover/\n", False),
        (".carryover/*\n", False),
        (".carryover/\n!.carryover/\n", False),
        ("!keep\n.carryover/  \n", True),
        ("", False),
    ],
)
def test_a_rule_that_git_need_not_be_asked_about(text: str, certainly: bool) -> None:
    assert ignored_by_text(text.encode()) is certainly


@pytest.mark.parametrize("rule", [".carryover", "/.carryover/", ".carryover/*", ".car*", ".*", "*", "**/.carryover/**"])
def test_no_rule_is_added_where_one_of_the_users_does_it(home: Path, rule: str) -> None:
    root = repository(home / "app", {"a.py": "1\n"})
    (root / ".gitignore").write_text(f"{rule}\n")

    assert kept_out(root).done == []
    assert ((root / ".gitignore").read_text(), ignored(root)) == (f"{rule}\n", True)


def test_a_user_who_takes_the_folder_back_in_is_not_contradicted(home: Path) -> None:
    text = f"{RULE}!.carryover/\n"
    root = repository(home / "app", {".gitignore": text})

    assert kept_out(root).done == []
    assert (root / ".gitignore").read_text() == text


@pytest.mark.parametrize("original", [None, "", "a", "a\n", "a\r\nb\r\n"])
def test_going_private_moves_our_rule_and_gives_the_file_back(home: Path, original: str | None) -> None:
    root = repository(home / "app", {"a.py": "1\n"})
    gitignore = root / ".gitignore"
    if original is not None:
        gitignore.write_bytes(original.encode())
    kept_out(root)

    edits = kept_out(root, shared=False)

    assert (gitignore.read_bytes().decode() if gitignore.exists() else None) == original
    assert (edits.done, edits.mine, ignored(root)) == ([".gitignore"], set(), True)


@pytest.mark.parametrize("content", ["a\n".encode("utf-16"), b"a\0"])
def test_an_ignore_file_that_cannot_be_edited_is_left_alone_and_the_excludes_used(home: Path, content: bytes) -> None:
    root = repository(home / "app", {"a.py": "1\n"})
    (root / ".gitignore").write_bytes(content)

    edits = kept_out(root)

    assert (root / ".gitignore").read_bytes() == content
    assert (edits.notes, ignored(root)) == ([".gitignore was left alone: it is not plain text"], True)


def test_excludes_behind_a_symlink_are_not_followed(home: Path) -> None:
    (home / "bashrc").write_text("theirs\n")
    (home / "info").mkdir()
    one, two = (repository(home / name, {"a.py": "1\n"}) for name in ("one", "two"))
    (one / ".git" / "info" / "exclude").unlink()
    (one / ".git" / "info" / "exclude").symlink_to(home / "bashrc")
    (two / ".git" / "info" / "exclude").unlink()
    (two / ".git" / "info").rmdir()
    (two / ".git" / "info").symlink_to(home / "info")

    assert [kept_out(root, shared=False).notes for root in (one, two)] == [
        [".git/info/exclude was left alone: it is a symlink"],
        [".git/info/exclude was left alone: its folder is a symlink"],
    ]
    assert ((home / "bashrc").read_text(), list((home / "info").iterdir())) == ("theirs\n", [])


def test_a_rule_of_ours_that_was_private_is_shared_when_the_project_is(home: Path) -> None:
    """It stays in `info/exclude`, which other worktrees have in common."""
    root = repository(home / "app", {"a.py": "1\n"})
    kept_out(root, shared=False)
    assert git(root, "status", "--porcelain") == ""

    assert kept_out(root).done == [".gitignore"]
    assert (root / ".gitignore").read_text() == RULE
    assert RULE in exclude_file(root).read_text()
