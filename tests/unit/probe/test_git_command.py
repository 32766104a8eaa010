"""git is asked so that it neither writes, nor runs what a repository brings, nor outlives its time."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from carryover.probe.git_command import Answer, ask
from support.daemon_process import wait_until
from support.repository import git, repository


def soon() -> float:
    return time.monotonic() + 20


def children() -> list[str]:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


@pytest.fixture
def slow_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git that starts a child of its own, which holds the pipe, and never ends."""
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nsleep 1000 &\necho $$ $! > "${0%/*}/pids"\nwait\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return program.parent / "pids"


def test_parents_are_not_searched_for_a_repository(tmp_path: Path) -> None:
    root = repository(tmp_path / "repo", {"sub/a.py": "1\n"})

    [answer] = ask(root / "sub", ("rev-parse", "HEAD"), deadline=soon())

    assert answer == Answer(128, b"")


def test_variables_of_a_git_hook_that_runs_us_mislead_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = repository(tmp_path / "ours", {"ours.py": "1\n"})
    other = repository(tmp_path / "other", {"other.py": "1\n"})
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))

    assert ask(root, ("ls-files",), deadline=soon()) == [Answer(0, b"ours.py\n")]


def test_what_does_not_end_in_time_is_killed_with_all_it_started(tmp_path: Path, slow_git: Path) -> None:
    before, others = time.monotonic(), set(children())

    with pytest.raises(TimeoutError):
        ask(tmp_path, ("ls-files",), ("rev-parse",), deadline=before + 0.3)

    assert time.monotonic() - before < 3
    assert set(children()) <= others
    # An orphan is killed with the others, but nobody here can wait for its end.
    wait_until("all are gone", lambda: not any(is_running(int(pid)) for pid in slow_git.read_text().split()))


def test_another_working_tree_that_the_configuration_names_is_not_looked_at(tmp_path: Path) -> None:
    """A diff would show what is in the user's own files."""
    private = tmp_path / "private"
    private.mkdir()
    (private / "a.py").write_text("private\n")
    root = repository(tmp_path / "repo", {"a.py": "1\n"})
    git(root, "config", "core.worktree", str(private))

    assert ask(root, ("diff", "HEAD", "--"), deadline=soon()) == [Answer(0, b"")]


def test_paths_are_literal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = repository(tmp_path, {":zz.md": "1\n", "*.py": "1\n", "a.py": "1\n"})
    monkeypatch.setenv("GIT_ICASE_PATHSPECS", "1")

    commands = [("ls-files", "-z", "--", name) for name in (":zz.md", "*.py", ":(icase)A.py")]
    assert ask(root, *commands, deadline=soon()) == [Answer(0, b":zz.md\0"), Answer(0, b"*.py\0"), Answer(0, b"")]


def is_running(pid: int) -> bool:
    """A killed orphan may still wait for its new parent; it runs no more."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_one_that_was_only_slow_is_asked_again(tmp_path: Path) -> None:
    root = repository(tmp_path, {"a.py": "1\n"})
    exclude = root / ".git" / "info" / "exclude"
    exclude.unlink()
    os.mkfifo(exclude)
    with pytest.raises(TimeoutError):
        ask(root, ("rev-parse", "--git-dir"), ("ls-files", "-o", "--exclude-standard"), deadline=time.monotonic() + 0.6)

    assert ask(root, ("rev-parse", "--git-dir"), deadline=soon()) == [Answer(0, b".git\n")]
