"""What git says of a repository, in bounded time, without writing to it and without running anything it brings."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from carryover.facts import GitFacts
from carryover.probe.checkout import Checkout
from carryover.publish.git_state import changed_since, differing_files, git_facts
from carryover.publish.pointers import with_block
from support.daemon_process import wait_until
from support.repository import PLANTED, configured, git, hostile_repository, partial_clone, repository

PATIENT_S = 20.0
BRIEF = "Be brief.\n"
OURS = with_block(b"", at_top=False).decode()


def moved(root: Path, **how: Any) -> tuple[str | None, int] | None:
    return changed_since(Checkout(root), **how, timeout_s=PATIENT_S)


def facts_of(root: Path) -> GitFacts:
    """The facts, but for the time of the commit, which is that of the test."""
    found = git_facts(Checkout(root), timeout_s=PATIENT_S)
    assert found is not None
    return replace(found, committed_ms=0)


def short_head(root: Path) -> str:
    return git(root, "rev-parse", "--short", "HEAD").strip()


def test_branch_head_subject_and_what_differs_from_head(tmp_path: Path) -> None:
    root = repository(tmp_path, {"staged.py": "1\n2\n", "edited.py": "1\n2\n3\n", "kept.py": "1\n"})
    (root / "staged.py").write_text("1\n")
    git(root, "add", "staged.py")
    (root / "edited.py").write_text("1\ntwo\n3\n4\n")
    (root / "new.py").write_text("1\n")
    (root / "folder").mkdir()
    (root / "folder" / "a").write_text("1\n")
    (root / "folder" / "b").write_text("1\n")
    expected = GitFacts(branch="main", head=short_head(root), subject="first commit", untracked=2)

    assert facts_of(root) == replace(expected, changed_files=2, insertions=2, deletions=2)


def test_names_and_subjects_come_without_secrets(tmp_path: Path) -> None:
    """The ledger keeps them."""
    secret = "ghp_" + "0aB1" * 9
    root = repository(tmp_path, {"a.py": "1\n"})
    git(root, "checkout", "-q", "-b", f"fix-{secret}")
    git(root, "commit", "-q", "--allow-empty", "-m", "x" * 180 + f" use {secret}")

    facts = facts_of(root)
    assert facts.branch == "fix-[redacted:github]"
    assert facts.subject == "x" * 180 + " use [redacted:githu"


def test_a_repository_without_a_commit_counts_what_is_staged(tmp_path: Path) -> None:
    root = repository(tmp_path)
    (root / "a.py").write_text("1\n2\n")
    (root / "b.py").write_text("1\n")
    git(root, "add", "a.py")

    assert facts_of(root) == GitFacts(branch="main", head=None, changed_files=1, insertions=2, untracked=1)


def test_a_bare_repository_has_no_changes(tmp_path: Path) -> None:
    root = repository(tmp_path / "work", {"a.py": "1\n"})
    git(tmp_path, "clone", "--quiet", "--bare", "work", "bare.git")
    (tmp_path / "bare.git" / "stray").write_text("1\n")

    expected = GitFacts(branch="main", head=short_head(root), subject="first commit")
    assert facts_of(tmp_path / "bare.git") == expected


def test_the_folder_around_a_bare_repository_has_no_changes(tmp_path: Path) -> None:
    """Its worktrees lie in it, each with facts of its own."""
    work = repository(tmp_path / "work", {"a.py": "1\n"})
    root = tmp_path / "around"
    root.mkdir()
    git(tmp_path, "clone", "--quiet", "--bare", "work", "around/.bare")
    (root / ".git").write_text("gitdir: ./.bare\n")
    git(root, "worktree", "add", "--quiet", "-b", "feature", "feature")
    (root / "feature" / "a.py").write_text("2\n")

    expected = GitFacts(branch="main", head=short_head(work), subject="first commit")
    assert facts_of(root) == expected
    assert moved(root, since=short_head(work)) is None
    assert facts_of(root / "feature").changed_files == 1


def test_a_worktree_and_a_submodule_have_facts_of_their_own(tmp_path: Path) -> None:
    part = repository(tmp_path / "part", {"p.py": "1\n"})
    root = repository(tmp_path / "main", {"a.py": "1\n"})
    git(root, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(part), "part")
    git(root, "commit", "--quiet", "--message", "with a part")
    git(root, "worktree", "add", "--quiet", "-b", "feature", str(tmp_path / "tree"))
    (tmp_path / "tree" / "a.py").write_text("2\n")
    (root / "part" / "p.py").write_text("2\n3\n")

    facts = [facts_of(folder) for folder in (root, tmp_path / "tree", root / "part")]

    head = short_head(root)
    assert facts == [
        GitFacts(branch="main", head=head, subject="with a part"),
        GitFacts(branch="feature", head=head, subject="with a part", changed_files=1, insertions=1, deletions=1),
        GitFacts(
            branch="main", head=short_head(part), subject="first commit", changed_files=1, insertions=2, deletions=1
        ),
    ]


def test_what_is_no_repository_has_no_facts(tmp_path: Path) -> None:
    (tmp_path / "broken" / ".git").mkdir(parents=True)
    inside = repository(tmp_path / "repo", {"sub/a.py": "1\n"}) / "sub"

    for folder in (tmp_path, tmp_path / "broken", tmp_path / "missing", inside):
        assert git_facts(Checkout(folder), timeout_s=PATIENT_S) is None


def test_without_git_there_are_no_facts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = repository(tmp_path, {"a.py": "1\n"})
    git_facts(Checkout(root), timeout_s=PATIENT_S)
    monkeypatch.setenv("PATH", "/nowhere")

    assert git_facts(Checkout(root), timeout_s=PATIENT_S) is None


def test_a_git_that_prints_other_lines_fails_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = repository(tmp_path / "repo", {"a.py": "1\n"})
    git(root, "branch", "base")
    git(root, "branch", "--set-upstream-to", "base")
    wrapper = tmp_path / "bin" / "git"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\necho "This git is managed."\nexec "{shutil.which("git")}" "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")

    assert facts_of(root).ahead == 0


@pytest.mark.parametrize("plant", PLANTED)
def test_nothing_of_the_repositorys_own_is_run(tmp_path: Path, plant: Callable[[Path, Path], None]) -> None:
    root = tmp_path / "repo"
    proof = hostile_repository(root, plant)

    facts = facts_of(root)

    assert (facts.changed_files, facts.insertions, facts.deletions) == (1, 1, 1)
    assert not proof.exists()


def test_nothing_is_fetched_for_a_partial_clone(tmp_path: Path) -> None:
    """git would fetch the blob that a diff needs, by whatever program the remote's address names."""
    root, proof = partial_clone(tmp_path)

    assert git_facts(Checkout(root), timeout_s=PATIENT_S) is None
    assert not proof.exists()
    subprocess.run(["git", "diff", "HEAD"], cwd=root, capture_output=True, check=False)
    assert proof.exists()


@pytest.mark.parametrize(
    ("file", "text"), [("config", '\n[filter "e=vil"]\n\tclean = touch ran\n'), ("index", "not an index")]
)
def test_a_filter_that_cannot_be_switched_off_and_an_unreadable_index_mean_no_facts(
    tmp_path: Path, file: str, text: str
) -> None:
    root = repository(tmp_path, {"a.py": "1\n"})
    kept = (root / ".git" / file).read_text() if file == "config" else ""
    (root / ".git" / file).write_text(f"{kept}{text}")

    assert git_facts(Checkout(root), timeout_s=PATIENT_S) is None


def test_the_users_own_filter_is_respected(tmp_path: Path, home: Path) -> None:
    root = repository(tmp_path, {"a.py": "secret\n", ".gitattributes": "*.py filter=hide\n"})
    git(root, "config", "--global", "filter.hide.clean", "sed s/shown/secret/")
    (root / "a.py").write_text("shown\n")

    assert facts_of(root).changed_files == 0


def test_a_filter_of_the_users_runs_no_program_of_the_repository(tmp_path: Path, home: Path) -> None:
    """Git LFS pipes a file through the extensions that the configuration names, whatever the case of their names."""
    proof = hostile_repository(tmp_path / "repo", configured("lfs.Extension.evil.clean {}"))
    lfs = 'sh -c "$(git config lfs.Extension.evil.clean || echo cat)"'
    git(tmp_path / "repo", "config", "--global", "filter.evil.clean", lfs)

    assert git_facts(Checkout(tmp_path / "repo"), timeout_s=PATIENT_S) is None
    assert not proof.exists()
    git(tmp_path / "repo", "diff", "HEAD")
    assert proof.exists()


def test_nothing_is_written_into_the_repository(tmp_path: Path) -> None:
    root = repository(tmp_path, {"a.py": "1\n", "b.py": "1\n"})
    os.utime(root / "a.py", (1, 1))  # git would now bring its index up to date
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}

    assert facts_of(root) == GitFacts(branch="main", head=short_head(root), subject="first commit")
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_a_repository_that_never_answers_is_given_up_in_time_and_leaves_nothing(tmp_path: Path) -> None:
    """git opens info/exclude and waits for a writer, as it would wait for a dead network drive."""
    root = repository(tmp_path, {"a.py": "1\n"})
    git_facts(Checkout(root), timeout_s=PATIENT_S)
    (root / ".git" / "info" / "exclude").unlink()
    os.mkfifo(root / ".git" / "info" / "exclude")
    before = open_things()

    durations = []
    for _ in range(3):
        started = time.monotonic()
        with pytest.raises(TimeoutError):
            git_facts(Checkout(root), timeout_s=0.2)
        durations.append(time.monotonic() - started)

    assert sorted(durations)[1] < 0.25  # the median: the machine may be busy
    wait_until("nothing is left", lambda: open_things() == before)


def open_things() -> tuple[int, list[str], int]:
    """Descriptors, children and threads of this process."""
    tasks = Path("/proc/self/task").iterdir()
    children = [child for task in tasks for child in (task / "children").read_text().split()]
    return len(list(Path("/proc/self/fd").iterdir())), children, threading.active_count()


def test_what_moved_since_a_commit_is_reported_against_the_working_tree(tmp_path: Path) -> None:
    root = repository(tmp_path, {"a.py": "1\n", "b.py": "1\n"})
    then = short_head(root)
    assert moved(root, since=then) == (then, 0)

    (root / "a.py").write_text("2\n")
    git(root, "commit", "--quiet", "--all", "--message", "second")
    (root / "b.py").write_text("2\n")
    (root / "untracked.py").write_text("3\n")
    assert moved(root, since=then) == (short_head(root), 2)


def test_since_a_commit_that_is_gone_nothing_is_known(tmp_path: Path) -> None:
    root = repository(tmp_path / "app", {"a.py": "1\n"})

    assert moved(root, since="0123456") is None
    assert moved(tmp_path, since="0123456") is None


def test_a_look_at_what_moved_runs_no_program_of_the_repository(tmp_path: Path) -> None:
    root = repository(tmp_path / "app", {"a.py": "1\n", ".gitattributes": "*.py filter=theirs diff=theirs\n"})
    mark = tmp_path / "was run"
    for setting in ("filter.theirs.clean", "filter.theirs.process", "diff.theirs.command", "diff.theirs.textconv"):
        git(root, "config", setting, f"touch '{mark}'; cat")
    git(root, "config", "core.fsmonitor", f"touch '{mark}'")
    (root / "a.py").write_text("2\n")

    assert moved(root, since=short_head(root)) == (short_head(root), 1)
    assert not mark.exists()


def test_what_carryover_itself_wrote_is_no_change(tmp_path: Path) -> None:
    root = repository(tmp_path, {"a.py": "1\n", "AGENTS.md": "Be brief.\n"})
    then = short_head(root)
    (root / "AGENTS.md").write_text(BRIEF + OURS)
    (root / ".carryover").mkdir()
    (root / ".carryover" / "handoff.md").write_text("# [CARRYOVER]\n")

    assert facts_of(root) == GitFacts(branch="main", head=then, subject="first commit", own=2)
    assert moved(root, since=then) == (then, 0)

    git(root, "commit", "--quiet", "--all", "--message", "with the block")
    assert moved(root, since=then) == (short_head(root), 0)


def test_a_file_in_which_the_user_changed_something_too_counts(tmp_path: Path) -> None:
    root = repository(tmp_path, {"a.py": "1\n", "AGENTS.md": "Be brief.\n"})
    (root / "AGENTS.md").write_text("Be very brief.\n" + OURS)
    (root / "a.py").write_text("2\n")
    head = short_head(root)

    assert facts_of(root).changed_files == 2
    assert moved(root, since=head) == (head, 2)


@pytest.mark.parametrize(("text", "untracked"), [(OURS.lstrip(), 0), (BRIEF + OURS, 1), (BRIEF, 1)])
def test_a_new_file_counts_unless_it_holds_our_text_alone(tmp_path: Path, text: str, untracked: int) -> None:
    root = repository(tmp_path, {"a.py": "1\n"})
    (root / "AGENTS.md").write_text(text)
    (root / "docs").mkdir()
    (root / "docs" / "AGENTS.md").write_text(OURS.lstrip())

    assert facts_of(root).untracked == untracked + 1, "in a folder below it is nobody's but the user's"


def test_a_renamed_file_counts_once(tmp_path: Path) -> None:
    root = repository(tmp_path, {"a.py": "1\n2\n3\n4\n5\n6\n7\n8\n"})
    git(root, "mv", "a.py", "b.py")
    (root / "b.py").write_text("1\n2\n3\n4\n5\n6\n7\n8\n9\n")

    facts = facts_of(root)

    assert (facts.changed_files, facts.insertions, facts.deletions) == (1, 1, 0)


@pytest.mark.parametrize("name", ["logo.png", "Bild für den Laden.png", 'so "called".png', "at 10.53\u202fAM.png"])
def test_a_binary_file_counts_if_more_than_its_time_has_changed(tmp_path: Path, name: str) -> None:
    """As all files of a project that was copied or restored. In git's counts (2.39), it is a changed one."""
    root = repository(tmp_path, {"a.py": "1\n", name: "\0\1", "b.png": "\0\1", "run": "\0\1"})
    then = short_head(root)
    for path in root.glob("*.*"):
        os.utime(path, (1, 1))
    assert (facts_of(root), moved(root, since=then)) == (
        GitFacts(branch="main", head=then, subject="first commit"),
        (then, 0),
    )

    (root / "b.png").write_text("\0\2")
    assert (facts_of(root).changed_files, moved(root, since=then)) == (1, (then, 1))
    (root / "run").chmod(0o755)
    (root / name).unlink()
    assert (facts_of(root).changed_files, moved(root, since=then)) == (3, (then, 3))


def test_where_comparing_takes_too_long_each_binary_file_counts(tmp_path: Path) -> None:
    """Reading hundreds of megabytes takes longer than git is given; what it said before that must not be lost."""
    root = repository(tmp_path, {"b.png": "\0\1"})

    listed = differing_files(root, b"-\t-\tb.png\0", "HEAD", time.monotonic())

    assert [file.path for file in listed] == ["b.png"]
