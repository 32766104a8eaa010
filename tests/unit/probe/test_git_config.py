"""Whether a repository's own configuration may name a program is seen without git, and in doubt it may."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from carryover.probe.git_config import names_no_filter
from support.repository import git, repository


def test_an_ordinary_checkout_names_none(tmp_path: Path) -> None:
    root = repository(tmp_path, {"a.py": "1\n"})
    git(root, "config", "core.autocrlf", "input")

    assert names_no_filter(root)


@pytest.mark.parametrize("setting", ["filter.evil.clean", "FILTER.evil.Process", "include.path", "includeIf.a.path"])
def test_one_that_may_name_one_is_told_apart(tmp_path: Path, setting: str) -> None:
    root = repository(tmp_path, {"a.py": "1\n"})
    git(root, "config", setting, "more")

    assert not names_no_filter(root)


def test_the_configuration_of_a_worktree_alone_counts_too(tmp_path: Path) -> None:
    root = repository(tmp_path, {"a.py": "1\n"})
    git(root, "config", "extensions.worktreeConfig", "true")
    git(root, "config", "--worktree", "filter.evil.clean", "evil")

    assert not names_no_filter(root)


def test_where_the_configuration_is_elsewhere_or_cannot_be_read_git_is_asked(tmp_path: Path) -> None:
    root = repository(tmp_path / "main", {"a.py": "1\n"})
    git(root, "worktree", "add", "-q", "../side")
    assert not names_no_filter(tmp_path / "side")
    assert not names_no_filter(root / ".git" / "worktrees" / "side")

    config = root / ".git" / "config"
    config.write_text("#" * (1 << 20))
    assert not names_no_filter(root)
    config.unlink()
    os.mkfifo(config)
    assert not names_no_filter(root)


def test_git_agrees_on_where_it_reads_its_configuration(tmp_path: Path) -> None:
    """A folder whose data is shared with another has its configuration there."""
    root = repository(tmp_path / "main", {"a.py": "1\n"})
    other = repository(tmp_path / "other", {"a.py": "1\n"})
    git(other, "config", "filter.evil.clean", "evil")
    (root / ".git" / "commondir").write_text(str(other / ".git"))

    assert git(root, "config", "--get", "filter.evil.clean").strip() == "evil"
    assert not names_no_filter(root)
