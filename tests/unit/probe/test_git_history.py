from __future__ import annotations

import os
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from carryover.probe.git_history import (
    LARGEST_COMMIT,
    commit_named,
    commits_of_lines,
    files_of_commit,
    former_names,
    newest_commits,
)


def git(folder: Path, *arguments: str, given: str | None = None) -> str:
    ours = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    who = ("-c", "user.name=Dev", "-c", "user.email=dev@example.com")
    command = ["git", *who, *arguments]
    ran = subprocess.run(
        command, cwd=folder, env={**os.environ, **ours}, input=given, check=True, capture_output=True, text=True
    )
    return ran.stdout.strip()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text(f"{name} before\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message=Begin")
    return tmp_path


def test_a_file_that_became_a_link_does_not_give_its_lines_to_the_next_file(shop: Path) -> None:
    (shop / "a").unlink()
    (shop / "a").symlink_to("c")
    (shop / "b").write_text("b after\n")
    git(shop, "commit", "--quiet", "--all", "--message=Link")

    link, changed = files_of_commit(shop, git(shop, "rev-parse", "HEAD"))

    assert (link.name, link.lines, link.removed) == ("a", ("c",), frozenset({"a before"}))
    assert (changed.name, changed.lines, changed.removed) == ("b", ("b after",), frozenset({"b before"}))


def test_blank_lines_count_however_git_is_set_to_write_them(shop: Path) -> None:
    (shop / "a").write_text("a before\n\na after\n")
    git(shop, "commit", "--quiet", "--all", "--message=Blank line")
    (shop / "a").write_text("a before\n\na later\n")
    git(shop, "commit", "--quiet", "--all", "--message=Last line")
    git(shop, "config", "diff.suppressBlankEmpty", "true")

    [changed] = files_of_commit(shop, git(shop, "rev-parse", "HEAD"))

    assert (changed.lines, changed.added) == (("a before", "", "a later"), (2,))


def test_lines_that_look_like_a_diff_do_not_move_those_below(shop: Path) -> None:
    (shop / "a").write_text("one\ntwo\n")
    git(shop, "commit", "--quiet", "--all", "--message=Two lines")
    (shop / "a").write_text("@@ -1,9 +1 @@\none\ntwo\n")

    found = commits_of_lines(shop, "a", 1, 3)

    assert found is not None
    assert [(line, commit.subject) for line, (commit, _) in found.items()] == [(2, "Two lines"), (3, "Two lines")]


def test_a_commit_that_would_fill_the_memory_is_known_by_the_names_of_its_files(shop: Path) -> None:
    (shop / "a").write_text(f"{'x' * 99_999}\n" * (LARGEST_COMMIT // 100_000 + 1))
    git(shop, "commit", "--quiet", "--all", "--message=Many lines")
    commit = git(shop, "rev-parse", "HEAD")

    assert files_of_commit(shop, commit) == []
    assert commit_named(shop, commit)[0].files == ("a",)


@pytest.mark.parametrize("stamp", ["-5", "words", "99999999999999", "18446744073709551615"])
def test_a_commit_of_an_absurd_time_fails_nothing(shop: Path, stamp: str) -> None:
    git(shop, "mv", "a", "renamed")
    git(shop, "commit", "--quiet", "--message=Rename")
    honest = git(shop, "cat-file", "commit", "HEAD")
    forged = re.sub(r"> \d+ ", f"> {stamp} ", honest) + "\n"
    commit = git(shop, "hash-object", "-t", "commit", "-w", "--stdin", "--literally", given=forged)
    git(shop, "update-ref", "HEAD", commit)

    times = [commit.committed_ms for commit in newest_commits(shop)]
    times += [renamed_ms or 0 for _, renamed_ms in former_names(shop, "renamed")]

    assert all(datetime.fromtimestamp(at_ms / 1000, UTC) for at_ms in times)
    assert [name for name, _ in former_names(shop, "renamed")] == ["a"]
