"""`.carryover/` stays out of commits by one rule, where no other does that already."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from carryover.config import ProjectSettings
from carryover.outside.in_project import Pass
from carryover.probe import git_dir
from carryover.probe.checkout import Checkout
from carryover.projects.policy import Refusal, refusal_by_git, why_open
from carryover.publish.gitignore import (
    keep_out,
    kept_out,
    refused_by_git,
    rules_in,
    shared_rule,
)
from carryover.publish.state_files import ignore_state
from support.passes import begun
from support.repository import git, repository
from support.shared_rule import add_shared_rule

RULE = "# Carryover (auto-added)\n.carryover/\n"


@pytest.fixture
def app(home: Path) -> Path:
    return repository(home / "app", {"a.py": "1\n"})


def with_rule(root: Path) -> Pass:
    (root / ".carryover").mkdir(exist_ok=True)
    edits = begun(root)
    assert keep_out(edits)
    return edits


def ignored(root: Path) -> bool:
    (root / ".carryover" / "handoff.md").write_text("")
    return git(root, "status", "--porcelain", "--untracked-files=all").find(".carryover") < 0


@pytest.mark.parametrize(
    "rules",
    [".carryover/", "/.carryover", ".carryover\r\nother", "!k\n.carryover/ "],
)
def test_no_rule_is_added_where_the_user_s_own_excludes_have_one(app: Path, rules: str) -> None:
    Checkout(app).exclude.write_bytes(f"{rules}\n".encode())

    with_rule(app)

    assert (Checkout(app).exclude.read_bytes(), ignored(app)) == (f"{rules}\n".encode(), True)


@pytest.mark.parametrize(
    "rules",
    [
        *(".carryover/*", ".carry", "a/.carryover", "#.car*", ".car*\n!.carryover", "*\n!*/", ".car[!r]*", r"\.car*"),
        *(".carryover/\t", ".carryover\v", ".car*", ".*", "*"),
    ],
)
def test_a_rule_is_added_to_excludes_that_do_not_name_the_folder(app: Path, rules: str) -> None:
    Checkout(app).exclude.write_text(f"{rules}\n")

    with_rule(app)

    assert (Checkout(app).exclude.read_text(), ignored(app)) == (f"{rules}\n\n{RULE}", True)
    assert refusal_by_git(Checkout(app)) is None


@pytest.mark.parametrize("rules", ["", "*.o\n", ".carryover/\n", ".carryover/\n!.carryover/\n"])
def test_the_user_s_own_ignore_file_is_not_touched(app: Path, rules: str) -> None:
    """What a team shares is theirs to say, and a file that is committed says nothing for sure: git takes it away."""
    (app / ".gitignore").write_text(rules)
    with_rule(app)

    assert (app / ".gitignore").read_text() == rules
    assert RULE in Checkout(app).exclude.read_text()


@pytest.mark.parametrize("rule", ["!.carryover", "!/.car*", "*\n!*/", "![.:1:]carryover", "![.\t:1:]carryover"])
def test_a_pattern_of_the_user_s_that_another_rule_contradicts_refuses_the_handoff(app: Path, rule: str) -> None:
    """Also one that is made to look like the name of another rule."""
    Checkout(app).exclude.write_text(".car*\n")
    (app / ".gitignore").write_text(f"{rule}\n")
    (app / ".carryover").mkdir()
    with_rule(app)

    refused = refusal_by_git(Checkout(app))
    assert refused is not None
    assert refused.in_git


@pytest.mark.parametrize("original", [None, "", "a", "a\n", "a\r\nb\r\n"])
def test_a_rule_of_an_earlier_version_goes_and_gives_the_file_back(app: Path, original: str | None) -> None:
    gitignore = app / ".gitignore"
    if original is not None:
        gitignore.write_bytes(original.encode())
    with_rule(app)
    add_shared_rule(app)

    edits = with_rule(app)
    assert edits.take(shared_rule(app))

    assert (gitignore.read_bytes().decode() if gitignore.exists() else None) == original
    assert (edits.done, edits.listed, ignored(app)) == ([".gitignore"], set(), True)


@pytest.mark.parametrize("content", ["a\n".encode("utf-16"), b"a\0"])
def test_excludes_that_are_no_text_are_left_alone_and_nothing_is_published(app: Path, content: bytes) -> None:
    Checkout(app).exclude.write_bytes(content)

    why = ".git/info/exclude was left alone: it is not plain text, so a handoff would be committed"
    assert kept_out(begun(app)) == Refusal(why, in_git=True)
    assert Checkout(app).exclude.read_bytes() == content


def test_a_folder_that_cannot_be_written_is_not_said_to_be_open_to_git(
    app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written there for that reason, which is told as the only one."""
    (app / ".git" / "info" / "exclude").chmod(0o400)
    why = why_open(refused_by_git(Checkout(app), ProjectSettings()))
    assert why == ".git/info/exclude was left alone: it is read-only, so a handoff would be committed"
    assert refused_by_git(Checkout(app), ProjectSettings(pointers="off")) is None, "none is written"

    monkeypatch.setattr(os, "access", lambda path, _: Path(path) != app)

    assert refused_by_git(Checkout(app), ProjectSettings()) is None


def test_a_file_of_the_users_in_place_of_the_folder_is_not_said_to_be_open_to_git(app: Path) -> None:
    """No handoff can be written there at all, and to take their file out of git would end nothing."""
    (app / ".carryover").write_text("mine")
    git(app, "add", "--force", ".carryover")

    assert refused_by_git(Checkout(app), ProjectSettings()) is None


def test_another_checkout_counts_while_it_has_a_folder_for_handoffs(home: Path, app: Path) -> None:
    git(app, "worktree", "add", "--quiet", "../tree")
    assert rules_in(Checkout(app)) is not None
    (home / "tree" / ".carryover").mkdir()

    assert rules_in(Checkout(app)) is None
    assert rules_in(Checkout(app), going=[home / "tree" / ".carryover"]) is not None
    assert rules_in(Checkout(home)) is None, "which is no repository"


def test_where_other_checkouts_are_too_many_to_look_at_one_may_need_the_rules(
    home: Path, app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("tree", "later"):
        git(app, "worktree", "add", "--quiet", "-b", name, f"../{name}")
    (home / "tree" / ".carryover").mkdir()
    monkeypatch.setattr(git_dir, "MOST_ENTRIES", 1)

    assert Checkout(app).others == ()
    assert rules_in(Checkout(app), going=[home / "tree" / ".carryover"]) is None


def test_excludes_behind_a_symlink_are_not_followed(home: Path) -> None:
    (home / "info").mkdir()
    (home / "info" / "theirs").write_text("theirs\n")
    one, two = (repository(home / name, {"a.py": "1\n"}) / ".git" / "info" for name in ("one", "two"))
    (one / "exclude").unlink()
    (one / "exclude").symlink_to(home / "info" / "theirs")
    shutil.rmtree(two)
    two.symlink_to(home / "info")

    assert [kept_out(begun(info.parents[1])) for info in (one, two)] == [
        Refusal(f".git/info/exclude was left alone: {why} is a symlink, so a handoff would be committed", in_git=True)
        for why in ("it", "its folder")
    ]
    assert [(path.name, path.read_text()) for path in (home / "info").iterdir()] == [("theirs", "theirs\n")]


def test_in_a_repository_of_dotfiles_the_state_folder_ignores_itself(home: Path, app: Path) -> None:
    for folder in (home / ".carryover", app / "state", app / "theirs", app / ".carryover"):
        folder.mkdir(mode=0o700)
    for name in ("config.toml", "carryoverd.log.1", ".config.toml.0a1b2c3d.tmp", "spool"):
        (app / "state" / name).touch()
    (app / "theirs" / "notes.md").touch()
    for folder in (home / ".carryover", app / "state", app / "theirs", app / ".carryover"):
        ignore_state(folder)

    (home / ".carryover" / "ledger.sqlite").touch()
    git(home, "init", "--quiet", "--bare", "dotfiles")
    bare = ("--git-dir=dotfiles", "--work-tree=.", "status", "--porcelain", "--untracked-files=all", "--", ".carryover")
    assert git(home, *bare) == "", "a repository of dotfiles may have its data anywhere"
    assert not (app / "theirs" / ".gitignore").exists(), "it holds something else"
    (app / "state" / "ledger.sqlite").touch()
    assert ignored(app)
    assert git(app, "status", "--porcelain", "--untracked-files=all") == "?? theirs/notes.md\n"
