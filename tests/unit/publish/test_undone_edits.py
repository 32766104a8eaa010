"""What the handoff says of a file that someone put back as it is in HEAD after an agent's edit."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from carryover.config import Config
from carryover.distill.view import ProjectView
from carryover.facts import Facts, FileQuery
from carryover.probe.checkout import Checkout
from carryover.publish.answers import AnswerTime, Beginning
from carryover.publish.git_state import git_facts
from carryover.publish.make import facts_now, made_handoff, view_now
from support.claude_session import ClaudeWork, commit
from support.repository import git, repository
from support.shop_in_ledger import ReadIn

FILES: Final = dict.fromkeys(("cart.py", "größe.py", "kept.py", "old.py", "shared/rules.py"), "total = 0\n")
PATIENCE_S: Final = 30.0


@pytest.fixture
def work(home: Path) -> ClaudeWork:
    """A session that has edited all files but `shared/rules.py`, that one through a link, and made two new ones."""
    root = repository(home / "work" / "shop", {**FILES, ".gitignore": "*.log\nshared/local.py\n"})
    (root / "shared" / "local.py").write_text("total = 0\n")
    (root / "linked.py").symlink_to("shared/local.py")
    commit(root, "Link the rules", at=datetime(2026, 11, 20, 5, 0, tzinfo=UTC))
    work = ClaudeWork(home / ".claude" / "projects", root, now=datetime(2026, 11, 20, 6, 0, tzinfo=UTC))
    work.prompt("Count the cart in whole cents")
    for name in ("cart.py", "größe.py", "kept.py", "old.py", "linked.py"):
        work.edit(name, "0", "1")
    work.write("new.py", "a = 1\n")
    work.write("made.log", "a\n")
    work.run("pytest -q", "FAILED test_cart.py::test_total - assert 1 == 0\n1 failed in 0.1s", 1)
    work.answer("One test fails.")
    return work


class Texts:
    """Reads the session in, then makes the texts that others get of it."""

    def __init__(self, connect: Callable[[], sqlite3.Connection], read_in: ReadIn, work: ClaudeWork) -> None:
        self._connect, self._read_in, self._work = connect, read_in, work
        self._project, self._until = 0, work.now.min

    def view(self) -> ProjectView:
        project = self._read_in(self._work)
        return view_now(self._connect(), project, Config())

    def undone(self, *, git_s: float = PATIENCE_S) -> set[str]:
        """Returns the files of which the handoff and the answer to a session that starts say that they are as in
        HEAD."""
        if self._until != self._work.now:
            self._project, self._until = self._read_in(self._work), self._work.now
        project, now_ms = self._project, round(self._work.now.timestamp() * 1000)
        made = made_handoff(self._connect(), project, Config(), now_ms=now_ms, git_s=git_s)
        again = made_handoff(self._connect(), project, Config(), now_ms=now_ms, git_s=git_s)
        moment = AnswerTime(project=project, config=Config(), now_ms=now_ms, then=made.git, git_s=git_s)
        answer = moment.answer(self._connect(), Beginning(session="a new one", reason="startup"))
        assert again.text == made.text
        assert names_in(answer or "") == names_in(made.text or "")
        return names_in(made.text or "")


def names_in(text: str) -> set[str]:
    items = (item for line in text.splitlines() for item in line.removeprefix("- ").split(" | "))
    undone = [item for item in items if "same as in HEAD now" in item]
    assert all("tests" not in item for item in undone)
    return {item.split("`")[1] for item in undone}


@pytest.fixture
def texts(reading: Callable[[], sqlite3.Connection], read_in: ReadIn, work: ClaudeWork) -> Texts:
    return Texts(reading, read_in, work)


def test_as_the_agent_left_them_no_file_is_as_in_head(texts: Texts) -> None:
    assert texts.undone() == set()


@pytest.mark.parametrize(
    ("command", "undone"),
    [
        ("checkout cart.py", {"cart.py"}),
        ("restore größe.py kept.py", {"größe.py", "kept.py"}),
        ("checkout .", {"cart.py", "größe.py", "kept.py", "old.py"}),
        ("stash --quiet", {"cart.py", "größe.py", "kept.py", "old.py"}),
        ("reset --quiet --hard", {"cart.py", "größe.py", "kept.py", "old.py"}),
    ],
)
def test_a_file_that_was_put_back_is_as_in_head(texts: Texts, work: ClaudeWork, command: str, undone: set[str]) -> None:
    """Neither the ignored file, nor the one that git does not know, nor the link, whose file is ignored."""
    git(work.cwd, *command.split())

    assert texts.undone() == undone


def test_git_says_nothing_of_the_projects_files_in_another_checkout(texts: Texts, work: ClaudeWork) -> None:
    """An agent's own, in which the session that asks has begun."""
    tree = work.cwd.parent / "tree"
    git(work.cwd, "worktree", "add", "--quiet", str(tree))
    view = texts.view()
    assert undone_in(facts_now(view, Checkout(tree), git_s=PATIENCE_S)) == set()

    git(work.cwd, "checkout", "cart.py")
    assert undone_in(facts_now(view, Checkout(work.cwd), git_s=PATIENCE_S)) == {"cart.py"}


def test_no_file_is_named_in_what_is_stored_of_git(texts: Texts, work: ClaudeWork) -> None:
    """A session that edited it may be forgotten."""
    git(work.cwd, "checkout", "cart.py")
    present = facts_now(texts.view(), Checkout(work.cwd), git_s=PATIENCE_S)

    assert undone_in(present) == {"cart.py"}
    assert present.git is not None and "cart.py" not in str(present.git)


def undone_in(facts: Facts) -> set[str]:
    return {path for path, found in facts.files.items() if found.undone}


def test_a_file_that_an_agent_deleted_is_there_again(texts: Texts, work: ClaudeWork) -> None:
    (work.cwd / "kept.py").unlink()
    work.run("rm kept.py")
    work.answer("Deleted.")
    assert texts.undone() == set()

    git(work.cwd, "checkout", "kept.py")
    assert texts.undone() == {"kept.py"}


def test_of_an_edit_before_the_newest_commit_nothing_is_said(texts: Texts, work: ClaudeWork) -> None:
    git(work.cwd, "checkout", "cart.py")
    commit(work.cwd, "Count in cents", at=work.now)
    assert texts.undone() == set()

    work.later(minutes=5)
    work.edit("cart.py", "0", "2")
    work.answer("Once more.")
    git(work.cwd, "checkout", "cart.py")
    assert texts.undone() == {"cart.py"}


def test_a_file_that_was_added_and_is_in_head_was_committed(texts: Texts, work: ClaudeWork) -> None:
    """By a clock that is behind."""
    commit(work.cwd, "Count in cents", at=datetime(2026, 11, 20, 5, 30, tzinfo=UTC))

    assert "new.py" not in texts.undone()


def test_a_commit_on_another_branch_undoes_no_edit(texts: Texts, work: ClaudeWork) -> None:
    git(work.cwd, "checkout", "--quiet", "-b", "cents")
    work.commit("Count in cents")
    git(work.cwd, "checkout", "--quiet", "main")

    assert texts.undone() == set()


@pytest.mark.parametrize("why", ["merge", "at work", "late", "no git"])
def test_where_git_does_not_say_how_things_are_nothing_is_said(texts: Texts, work: ClaudeWork, why: str) -> None:
    git(work.cwd, "checkout", "cart.py")
    if why == "merge":
        (work.cwd / ".git" / "MERGE_HEAD").write_text(git(work.cwd, "rev-parse", "HEAD"))
    elif why == "at work":
        (work.cwd / ".git" / "index.lock").touch()
    elif why == "no git":
        (work.cwd / ".git").rename(work.cwd / "git")

    assert texts.undone(git_s=0 if why == "late" else PATIENCE_S) == set()


@pytest.mark.parametrize(
    "commands",
    [
        ["update-index --assume-unchanged cart.py"],
        ["update-index --skip-worktree cart.py"],
        ["update-index --split-index", "checkout cart.py"],
        ["rm --quiet --cached cart.py"],
        ["add cart.py", "stash --quiet", "commit --quiet --allow-empty -m other", "stash pop --quiet"],
        ["mv cart.py bill.py"],
    ],
)
def test_what_git_does_not_compare_with_the_disk_is_not_taken_for_the_same(
    work: ClaudeWork, commands: list[str]
) -> None:
    for command in commands:
        git(work.cwd, *command.split())

    assert undone(work.cwd, "cart.py") == ()


def test_an_index_whose_paths_lack_what_they_share_says_as_much(work: ClaudeWork) -> None:
    commands = ("update-index --index-version 4", "checkout .", "update-index --skip-worktree kept.py")
    for command in commands:
        git(work.cwd, *command.split())

    assert undone(work.cwd, *FILES, "rt.py", "shared", "rules.py") == tuple(name for name in FILES if name != "kept.py")


def test_a_file_in_conflict_is_not_taken_for_the_same(work: ClaudeWork) -> None:
    git(work.cwd, "stash", "--quiet")
    (work.cwd / "cart.py").write_text("total = 2\n")
    commit(work.cwd, "Two", at=datetime(2026, 11, 20, 5, 0, tzinfo=UTC))
    with suppress(subprocess.CalledProcessError):
        git(work.cwd, "stash", "pop", "--quiet")
    assert "UU cart.py" in git(work.cwd, "status", "--short")

    assert undone(work.cwd, "cart.py", "größe.py") == ()


def test_a_file_that_was_moved_behind_a_link_is_not_taken_for_the_same(work: ClaudeWork) -> None:
    """Git lists it as renamed, by its new name."""
    (work.cwd / "shared").rename(work.cwd / "common")
    git(work.cwd, "add", "common")
    (work.cwd / "shared").symlink_to("common")

    assert undone(work.cwd, "shared/rules.py") == ()


def test_only_the_names_that_git_has_are_the_same(work: ClaudeWork) -> None:
    git(work.cwd, "checkout", ".")
    assert undone(work.cwd, "cart.py", "shared/rules.py") == ("cart.py", "shared/rules.py")
    assert undone(work.cwd, "Cart.py", "rt.py", "shared", "rules.py", "../shop/cart.py", "a\0b", "\ud800") == ()
    tree = work.cwd / "tree"
    git(work.cwd, "worktree", "add", "--quiet", str(tree))
    assert (undone(tree, "cart.py"), undone(work.cwd, "tree/cart.py")) == (("cart.py",), ())


def test_a_file_with_other_line_ends_is_as_in_head_if_git_says_so(work: ClaudeWork) -> None:
    (work.cwd / "cart.py").write_bytes(b"total = 0\r\n")
    assert undone(work.cwd, "cart.py") == ()

    git(work.cwd, "config", "core.autocrlf", "true")
    assert undone(work.cwd, "cart.py") == ("cart.py",)


def undone(root: Path, *names: str) -> tuple[str, ...]:
    """Those of the files that are as in HEAD, edited after all commits but those of now."""
    edited_ms = round(datetime(2126, 11, 20, tzinfo=UTC).timestamp() * 1000)
    found = git_facts(
        Checkout(root), [FileQuery(path=name, edited_ms=edited_ms) for name in names], timeout_s=PATIENCE_S
    )
    assert found is not None
    return found.undone
