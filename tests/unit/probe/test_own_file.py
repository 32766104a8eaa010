"""A file in a project that may have come with it is told from one that was written there."""

from __future__ import annotations

import os
import subprocess
import tarfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from carryover.adapter.contract import Agent, Source
from carryover.agents import adapters
from carryover.probe import own_file
from carryover.probe.checkout import Checkout
from carryover.probe.own_file import AT_WORK, COPIED, IN_ONE_GO, TRACKED
from carryover.transcript.jsonl import JsonlReader
from support.aged import there_for_a_while
from support.platforms import altered, on
from support.repository import git, repository

NAME = ".chat.md"
LOG = ".typed"


class Typed(JsonlReader):
    """Reads the log beside a source, which holds a time."""

    def last_input(self, path: Path) -> tuple[Path, tuple[int, ...]]:
        log = path.with_name(LOG)
        return log, (int(log.read_text()),) if log.is_file() else ()

    def source_of(self, path: Path, root: Path) -> Source | None:
        return None

    def sources(self, root: Path) -> list[Source]:
        return []


class JustTyped(Typed):
    """Takes the log's last entry to be of when it was written."""

    def last_input(self, path: Path) -> tuple[Path, tuple[int, ...]]:
        log = path.with_name(LOG)
        return log, (os.lstat(log).st_mtime_ns // 1_000_000,)


class Later:
    """What is known of a file that was written three seconds later than it was."""

    def __init__(self, found: os.stat_result) -> None:
        self._found = found
        self.st_mtime_ns, self.st_ctime_ns = found.st_mtime_ns + 3 * 10**9, found.st_ctime_ns + 3 * 10**9

    def __getattr__(self, name: str) -> Any:
        return getattr(self._found, name)


def later(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on, files with that name in their path were written later."""
    lstat = os.lstat
    monkeypatch.setattr(os, "lstat", lambda path: Later(lstat(path)) if name in Path(path).parts else lstat(path))


AGENT = replace(next(agent for agent in adapters().values() if agent.in_projects), reader=Typed())


def why_not_own(root: Path, path: Path, agent: Agent = AGENT) -> str | None:
    return own_file.why_not_own(agent, Checkout(root), path)


def is_tracked(root: Path, path: Path) -> bool:
    return Checkout(root).is_tracked(path.name)


@pytest.fixture
def shop(home: Path) -> Path:
    return repository(home / "work" / "shop", {"cart.py": "total = 0\n"})


def written(root: Path) -> Path:
    (root / LOG).write_text(str(int(time.time() * 1000)))
    there_for_a_while(root / NAME)
    (root / NAME).write_text("said\n")
    return root / NAME


def test_what_is_written_in_a_folder_without_git_is_the_users_own(home: Path) -> None:
    (home / "notes").mkdir()
    assert why_not_own(home / "notes", written(home / "notes")) is None


def test_what_a_clone_brings_is_not(home: Path, shop: Path) -> None:
    written(shop)
    git(shop, "add", "--all")
    git(shop, "commit", "--quiet", "--message", "with a history")
    subprocess.run(["git", "clone", "--quiet", str(shop), str(home / "work" / "clone")], check=True)
    clone = home / "work" / "clone"

    assert why_not_own(clone, clone / NAME) == TRACKED
    with (clone / NAME).open("a") as file:
        file.write("more, by the user's own agent\n")
    assert why_not_own(clone, clone / NAME) == TRACKED


def test_a_file_is_the_users_own_no_more_once_it_is_added(shop: Path) -> None:
    path = written(shop)
    assert not is_tracked(shop, path)
    git(shop, "add", "--force", NAME)
    assert is_tracked(shop, path)
    assert why_not_own(shop, path) == TRACKED
    git(shop, "rm", "--cached", "--quiet", NAME)
    assert why_not_own(shop, path) is None
    git(shop, "add", "--force", LOG)
    assert why_not_own(shop, path) == f"{LOG}, the record of what was typed, is not your own: {TRACKED}"


def test_git_is_asked_once_until_its_index_changes_even_if_there_is_none_yet(
    home: Path, started: list[list[str]]
) -> None:
    new = repository(home / "work" / "new")
    path = written(new)
    for _ in range(2):
        assert not is_tracked(new, path)
        assert why_not_own(new, path) is None
    asked = [line[-1] for line in started if "ls-files" in line]
    assert asked.count(f":(literal){NAME}") == 1, "only whether it is untracked: the index shows the rest"

    git(new, "add", "--force", NAME)
    assert is_tracked(new, path)
    assert why_not_own(new, path) == TRACKED


def test_what_an_archive_brings_is_not_until_the_user_types_there(home: Path, shop: Path) -> None:
    """With or without a repository around it."""
    path = written(shop)
    an_hour_ago = time.time() - 3600
    for file in (path, path.with_name(LOG)):
        os.utime(file, (an_hour_ago, an_hour_ago))
    with tarfile.open(home / "shop.tar", "w") as archive:
        archive.add(shop, "shop")
        archive.add(path, f"plain/{NAME}")
        archive.add(path.with_name(LOG), f"plain/{LOG}")
    with tarfile.open(home / "shop.tar") as archive:
        archive.extractall(home / "unpacked", filter="data")

    for root in (home / "unpacked" / "shop", home / "unpacked" / "plain"):
        assert why_not_own(root, root / NAME) == COPIED
        (root / NAME).write_text("more\n")
        assert COPIED in str(why_not_own(root, root / NAME))
        written(root)
        assert why_not_own(root, root / NAME) is None


@pytest.mark.parametrize(("is_sent", "reason"), [(True, IN_ONE_GO), (False, None)])
def test_a_repository_that_is_made_around_it_later_says_nothing_of_it(
    shop: Path, monkeypatch: pytest.MonkeyPatch, is_sent: bool, reason: str | None
) -> None:
    """Neither of what somebody sent, even without its times, nor of what the user's own agent wrote before."""
    if is_sent:
        (shop / LOG).write_text(str(int(time.time() * 1000)))
        (shop / NAME).write_text("said\n")
    else:
        written(shop)
    later(".git", monkeypatch)

    assert why_not_own(shop, shop / NAME) == reason


@pytest.mark.parametrize("kind", ["symlink", "folder", "pipe", "in the future"])
def test_only_a_regular_file_of_this_time_counts(shop: Path, home: Path, kind: str) -> None:
    match kind:
        case "symlink":
            (home / "other").write_text("of another project\n")
            (shop / NAME).symlink_to(home / "other")
        case "folder":
            (shop / NAME).mkdir()
        case "pipe":
            os.mkfifo(shop / NAME)
        case _:
            os.utime(written(shop), (time.time() + 86_400,) * 2)

    assert not own_file.is_own(AGENT, Checkout(shop), shop / NAME)


def test_nor_one_behind_a_symlink_or_in_another_repository(shop: Path, home: Path) -> None:
    other = repository(home / "work" / "other", {"a.py": "1\n"})
    written(other)
    (shop / "link").symlink_to(other)
    inner = repository(shop / "inner", {"a.py": "1\n"})

    assert why_not_own(shop, shop / "link" / NAME) == "there is a symlink on the way to it"
    assert why_not_own(shop, written(inner)) == "it is in another repository"


def test_a_file_of_another_user_does_not_count(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(shop)
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)

    assert why_not_own(shop, path) == "it belongs to another user"


def test_nothing_is_believed_where_nothing_was_typed(shop: Path) -> None:
    path = written(shop)
    (shop / LOG).unlink()

    assert "nothing that was typed" in str(why_not_own(shop, path))


@pytest.mark.parametrize("late_s", [-3600, -3, 3, 3600])
def test_a_log_that_was_written_at_another_time_than_it_says_is_a_copy(shop: Path, late_s: int) -> None:
    path = written(shop)
    (shop / LOG).write_text(str(int((time.time() + late_s) * 1000)))

    assert COPIED in str(why_not_own(shop, path))


def test_what_was_not_written_to_after_the_last_input_is_not_what_the_agent_writes(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(shop)
    later(LOG, monkeypatch)

    assert "did not write to it" in str(why_not_own(shop, path, replace(AGENT, reader=JustTyped())))


def test_a_transcript_that_came_in_one_go_is_nobodys(shop: Path) -> None:
    """However right its times are, and however long a large one took to unpack."""
    there_for_a_while(shop / NAME)
    path = written(shop)
    assert why_not_own(shop, path) is None
    os.truncate(path, 1 << 36)
    assert why_not_own(shop, path) == IN_ONE_GO

    path.unlink()
    path.write_text("said\n")
    assert why_not_own(shop, path) == IN_ONE_GO
    path.rename(shop / "x")
    (shop / "x").rename(path)
    assert why_not_own(shop, path) == IN_ONE_GO, "a new name makes it no older"
    written(shop)
    with on(altered(born_ns=lambda _path: None)):
        assert why_not_own(shop, path) == "its disk does not say when it was made"


def test_while_git_works_nobody_can_say(shop: Path) -> None:
    path = written(shop)
    assert own_file.is_own(AGENT, Checkout(shop), path)
    (shop / ".git" / "index.lock").touch()

    assert why_not_own(shop, path) == AT_WORK


def test_in_a_worktree_the_lock_is_elsewhere(shop: Path, home: Path) -> None:
    tree = home / "work" / "tree"
    git(shop, "worktree", "add", "--quiet", str(tree))
    path = written(tree)
    assert own_file.is_own(AGENT, Checkout(tree), path)
    (shop / ".git" / "worktrees" / "tree" / "index.lock").touch()

    assert why_not_own(tree, path) == AT_WORK


def test_where_git_cannot_say_nothing_is_believed(home: Path) -> None:
    (home / "broken" / ".git").mkdir(parents=True)
    assert why_not_own(home / "broken", written(home / "broken")) == "git could not say whether it is tracked"


def test_a_repository_cannot_make_us_run_its_programs(shop: Path, home: Path) -> None:
    """`core.fsmonitor` is a command that git runs when it looks at its index."""
    git(shop, "config", "core.fsmonitor", f"touch {home}/ran")

    assert own_file.is_own(AGENT, Checkout(shop), written(shop))
    assert not (home / "ran").exists()
