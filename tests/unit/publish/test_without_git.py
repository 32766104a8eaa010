"""Without a git that runs, as on a Mac without Apple's command line tools, projects still get their handoffs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from carryover.config import ProjectSettings
from carryover.probe.checkout import Checkout
from carryover.probe.git_command import git_trouble
from carryover.projects.handoff_file import Published
from carryover.publish.git_state import git_facts
from carryover.redact import CleanText
from support.platforms import fake_darwin, on
from support.publishing import publish
from support.repository import git, repository
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


def test_a_checkout_gets_its_handoff_and_no_commit_would_take_it(home: Path, no_git: Callable[[], None]) -> None:
    root = repository(home / "app", {"AGENTS.md": "Run the tests.\n"})
    path = os.environ["PATH"]
    no_git()

    assert (published(root).refusal, published(root).refusal) == (None, None)

    assert (root / ".carryover" / "handoff.md").read_text() == TEXT
    assert (git_facts(Checkout(root), timeout_s=10), git_trouble() is None) == (None, False)
    os.environ["PATH"] = path
    assert (git_facts(Checkout(root), timeout_s=10) is None, git_trouble()) == (False, None)
    git(root, "add", "--all")
    assert ".carryover" not in git(root, "ls-files")


def test_git_is_found_behind_a_folder_that_cannot_be_examined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As another user's in a PATH that `su` kept; a name that is too long is such a one for root too."""
    unknown, folder = tmp_path / ("a" * 300), tmp_path / "folder"
    (folder / "git").mkdir(parents=True)
    monkeypatch.setenv("PATH", f"{unknown}:{folder}")
    assert git_trouble() == "there is none in the folders of its PATH"

    monkeypatch.setenv("PATH", f"{unknown}:{folder}:{program(tmp_path / 'bin' / 'git').parent}")
    assert git_trouble() is None


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
        assert published(root).refusal is None
        assert git_facts(Checkout(root), timeout_s=10) is None
        assert git_trouble() == "Apple's command line tools, which have it, are not installed"
    assert not (home / "window").exists()


def test_a_pointer_is_made_where_no_file_of_that_name_is_tracked(home: Path, no_git: Callable[[], None]) -> None:
    """A sparse checkout has AGENTS.md only in git: ours would take its place."""
    plain, sparse = (repository(home / name, {"a.py": "1\n", "AGENTS.md": "Run the tests.\n"}) for name in "ab")
    git(plain, "rm", "--quiet", "AGENTS.md")
    (sparse / "AGENTS.md").unlink()
    no_git()

    assert [published(root).refusal for root in (plain, sparse)] == [None, None]
    assert [(root / "AGENTS.md").exists() for root in (plain, sparse)] == [True, False]


def tracked(root: Path) -> None:
    (root / ".carryover").mkdir()
    (root / ".carryover" / "notes.md").write_text("mine\n")
    git(root, "add", "--force", ".carryover/notes.md")


def tracked_by_another_case(root: Path) -> None:
    (root / ".Carryover").mkdir()
    (root / ".Carryover" / "notes.md").write_text("mine\n")
    git(root, "add", "--force", ".Carryover/notes.md")


def let_in(root: Path) -> None:
    (root / ".gitignore").write_text("*.log\n!.carryover\n")


def let_in_at_once(root: Path) -> None:
    (root / ".gitignore").write_bytes(b"\xef\xbb\xbf!/.car*\n")


def let_in_behind_ours(root: Path) -> None:
    (root / ".git" / "info" / "exclude").write_text(".carryover/\n!.carryover/\n")


def linked_rules(root: Path) -> None:
    (root / ".gitignore").symlink_to(root / "a.py")


def shortened_paths(root: Path) -> None:
    git(root, "update-index", "--index-version", "4")


def split_index(root: Path) -> None:
    git(root, "update-index", "--split-index")


@pytest.mark.parametrize(
    "done",
    [
        tracked,
        tracked_by_another_case,
        let_in,
        let_in_at_once,
        let_in_behind_ours,
        linked_rules,
        shortened_paths,
        split_index,
    ],
    ids=lambda done: done.__name__,
)
def test_where_only_git_could_tell_nothing_is_written(
    home: Path, done: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = repository(home / "app", {"a.py": "1\n"})
    done(root)
    monkeypatch.setenv("PATH", str(home / "empty"))

    refusal = published(root).refusal

    assert refusal == "git can't be run, and only git knows whether a commit could take the handoff along"
    assert not (root / ".carryover" / "handoff.md").exists()
