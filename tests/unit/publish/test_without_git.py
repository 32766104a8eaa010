"""Without a git that runs, as on a Mac without Apple's command line tools, nothing is written that it could commit."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from carryover.config import ProjectSettings
from carryover.probe.checkout import Checkout
from carryover.probe.git import git_facts
from carryover.probe.git_command import git_trouble
from carryover.projects.handoff_file import Published
from carryover.projects.policy import ONLY_GIT
from carryover.redact import CleanText
from support.platforms import fake_darwin, on
from support.publishing import publish
from support.repository import repository
from support.tools import program

TEXT = "# [CARRYOVER] Last updated 2026-11-20T06:02:26Z from Claude Code\n"
BROKEN = (
    "echo 'xcrun: error: invalid active developer path (/Library/Developer/CommandLineTools), missing xcrun' >&2",
    "exit 1",
)
NOT_AGREED = (
    "echo \"You have not agreed to the Xcode license agreements. Please run 'sudo xcodebuild -license'.\" >&2",
    "exit 69",
)


def published(root: Path) -> Published:
    return publish(root, CleanText(TEXT), ProjectSettings(pointers="shared"))


@pytest.fixture(params=[None, BROKEN, NOT_AGREED], ids=["no git", "no command line tools", "no license"])
def no_git(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Takes git away, or puts the program in its place that macOS has there."""

    def take_away() -> None:
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
        if request.param is not None:
            program(tmp_path / "bin" / "git", *request.param)

    return take_away


def test_nothing_is_written_into_a_checkout_until_git_says_what_a_commit_would_take(
    home: Path, no_git: Callable[[], None]
) -> None:
    root = repository(home / "app", {"AGENTS.md": "Run the tests.\n"})
    path = os.environ["PATH"]
    no_git()

    assert published(root).refusal == ONLY_GIT

    assert sorted(entry.name for entry in root.iterdir()) == [".git", "AGENTS.md"]
    assert (git_facts(Checkout(root), timeout_s=10), git_trouble() is None) == (None, False)
    os.environ["PATH"] = path
    assert (git_facts(Checkout(root), timeout_s=10) is None, git_trouble()) == (False, None)
    assert published(root).refusal is None


def test_a_folder_without_a_repository_gets_its_handoff(home: Path, no_git: Callable[[], None]) -> None:
    root = home / "notes"
    root.mkdir()
    no_git()

    assert published(root).refusal is None
    assert (root / ".carryover" / "handoff.md").read_text() == TEXT


def test_the_program_that_asks_for_git_to_be_installed_is_not_run(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """macOS has it as /usr/bin/git. It opens a window, and the daemon would do that again and again."""
    root = repository(home / "app", {"a.py": "1\n"})
    stub = program(tmp_path / "bin" / "git", f"touch {home}/window", "exec /bin/sleep 60")
    monkeypatch.setenv("PATH", str(stub.parent))
    chosen = tmp_path / "xcode_select_link"
    chosen.symlink_to(tmp_path / "CommandLineTools")  # as after an update of macOS, which removes them

    with on(fake_darwin(stubs=str(stub.parent), tools=(str(chosen), "/"))):
        assert published(root).refusal == ONLY_GIT
        assert git_facts(Checkout(root), timeout_s=10) is None
        assert git_trouble() == "Apple's command line tools, which have it, are not installed"
    assert not (home / "window").exists()
