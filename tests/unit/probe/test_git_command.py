"""git is asked so that it neither writes, nor runs what a repository brings, nor outlives its time."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from carryover.probe.git_command import GitAnswer, GitProcesses, ask, in_store
from carryover.probe.git_history import commit_named, commits_of_lines, files_of_commit, newest_commits
from carryover.projects.root import find_root
from support.daemon_process import wait_until
from support.repository import git, repository


def soon() -> float:
    return time.monotonic() + 20


def children() -> list[str]:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


@pytest.fixture
def slow_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git, for the repository at `tmp_path`, that starts a child of its own, which holds the pipe, and never ends."""
    repository(tmp_path)
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nsleep 1000 &\necho $$ $! > "${0%/*}/pids"\nwait\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return program.parent / "pids"


def test_parents_are_not_searched_for_a_repository(tmp_path: Path) -> None:
    root = repository(tmp_path / "repo", {"sub/a.py": "1\n"})

    [answer] = ask(root / "sub", ("rev-parse", "HEAD"), deadline=soon())

    assert answer == GitAnswer(128, b"")


def test_variables_of_a_git_hook_that_runs_us_mislead_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = repository(tmp_path / "ours", {"ours.py": "1\n"})
    other = repository(tmp_path / "other", {"other.py": "1\n"})
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))

    assert ask(root, ("ls-files",), deadline=soon()) == [GitAnswer(0, b"ours.py\n")]


def test_what_does_not_end_in_time_is_killed_with_all_it_started(tmp_path: Path, slow_git: Path) -> None:
    before, others = time.monotonic(), set(children())

    with pytest.raises(TimeoutError):
        ask(tmp_path, ("ls-files",), ("rev-parse",), deadline=before + 0.3)
    with pytest.raises(TimeoutError):  # nor does it read its input, which is more than a pipe holds
        in_store(tmp_path, "hash-object", remote="", given=bytes(1 << 20), running=GitProcesses(), timeout_s=0.3)

    assert time.monotonic() - before < 60, "nobody waits for a git that never ends"
    assert set(children()) <= others
    # An orphan is killed with the others, but nobody here can wait for its end.
    wait_until("all are gone", lambda: not any(is_running(int(pid)) for pid in slow_git.read_text().split()))


def test_what_says_too_much_is_ended_and_not_held_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = repository(tmp_path / "repo", {"a.txt": "x" * 300_000})
    [whole] = ask(root, ("cat-file", "blob", "HEAD:a.txt"), deadline=soon())
    assert len(whole.out) == 300_000
    with pytest.raises(TimeoutError):
        ask(root, ("cat-file", "blob", "HEAD:a.txt"), deadline=soon(), most_bytes=200_000)

    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexec yes >&2\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    others = set(children())
    with pytest.raises(TimeoutError, match="too much"):
        ask(root, ("ls-files",), ("rev-parse",), deadline=time.monotonic() + 100, most_bytes=1 << 20)
    assert set(children()) <= others


def test_another_working_tree_that_the_configuration_names_is_not_looked_at(tmp_path: Path) -> None:
    """A diff would show what is in the user's own files."""
    private = tmp_path / "private"
    private.mkdir()
    (private / "a.py").write_text("private\n")
    root = repository(tmp_path / "repo", {"a.py": "1\n"})
    git(root, "config", "core.worktree", str(private))

    assert ask(root, ("diff", "HEAD", "--"), deadline=soon()) == [GitAnswer(0, b"")]


@pytest.mark.parametrize("missing", ["objects", "refs", "HEAD"])
def test_a_folder_is_no_repository_of_its_own_where_its_git_folder_is_none(tmp_path: Path, missing: str) -> None:
    """git takes the folder itself for one then, with the programs that its configuration names."""
    root, proof = tmp_path / "repo", tmp_path / "proof"
    git(tmp_path, "init", "--quiet", "--bare", "repo")
    (root / ".gitattributes").write_text("* filter=planted\n")
    (root / "a.py").write_text("1\n")
    inside = ("--git-dir=.", "--work-tree=.")
    git(root, *inside, "add", "a.py", ".gitattributes")
    git(root, *inside, "commit", "--quiet", "--message", "first commit")
    git(root, "config", "filter.planted.clean", f"touch {proof}; cat")
    (root / "a.py").write_text("2\n")
    git(tmp_path, "init", "--quiet", "--bare", "repo/.git")
    (root / ".git" / missing).rename(root / ".git" / "elsewhere")
    (root / ".git" / "HEAD").write_text("ref: refs/heads/main\n" if missing != "HEAD" else "nothing\n")

    assert ask(root, ("diff", "HEAD", "--"), deadline=soon()) == [GitAnswer(128, b"")]
    assert not proof.exists()


@pytest.mark.parametrize("has_git_folder", [True, False])
def test_no_repository_above_is_asked_where_a_folder_has_a_colon_in_its_name(
    tmp_path: Path, has_git_folder: bool
) -> None:
    """git separates by it the folders above which it does not look."""
    root = repository(tmp_path / "shop", {"cart.py": "1\n"}) / "from:elsewhere" / "stranger"
    root.mkdir(parents=True)
    if has_git_folder:
        (root / ".git").mkdir()
        (root / ".git" / "HEAD").write_text("ref: refs/heads/main\n")

    assert ask(root, ("rev-list", "--all"), deadline=soon()) == [GitAnswer(128, b"")]
    assert find_root(str(root)).main_root is None


def test_paths_are_literal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = repository(tmp_path, {":zz.md": "1\n", "*.py": "1\n", "a.py": "1\n"})
    monkeypatch.setenv("GIT_ICASE_PATHSPECS", "1")

    commands = [("ls-files", "-z", "--", name) for name in (":zz.md", "*.py", ":(icase)A.py")]
    assert ask(root, *commands, deadline=soon()) == [
        GitAnswer(0, b":zz.md\0"),
        GitAnswer(0, b"*.py\0"),
        GitAnswer(0, b""),
    ]


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

    assert ask(root, ("rev-parse", "--git-dir"), deadline=soon()) == [GitAnswer(0, b".git\n")]


def subjects(root: Path, **wanted: int) -> list[str]:
    return [commit.subject for commit in newest_commits(root, **wanted)]


def change(root: Path, name: str, text: str, subject: str, *, date: str = "2026-01-01T00:00:00Z") -> None:
    (root / name).write_text(text)
    git(root, "add", "--all")
    git(root, "-c", f"user.name={subject}", "commit", "--quiet", "--message", subject, "--date", date)


def test_commits_of_all_branches_come_newest_first_with_their_files(tmp_path: Path) -> None:
    root = repository(tmp_path, {"a b.py": "1\n", "größe.py": "1\n"})
    git(root, "checkout", "--quiet", "-b", "other")
    change(root, "new.py", "1\n", "Füge etwas hinzu")
    git(root, "checkout", "--quiet", "main")
    git(root, "mv", "a b.py", "c.py")
    git(root, "commit", "--quiet", "--message", "rename")

    found = {commit.subject: commit for commit in newest_commits(root)}

    assert {subject: commit.files for subject, commit in found.items()} == {
        "Füge etwas hinzu": ("new.py",),
        "rename": ("a b.py", "c.py"),
        "first commit": ("a b.py", "größe.py"),
    }
    assert found["Füge etwas hinzu"].authored_ms == 1_767_225_600_000
    assert found["rename"].id == git(root, "rev-parse", "HEAD").strip()
    assert subjects(root, since_ms=4_102_444_800_000) == []


def test_a_commit_is_found_by_any_name_that_git_knows_and_by_nothing_else(tmp_path: Path) -> None:
    root = repository(tmp_path, {"a.py": "1\n"})
    change(root, "a.py", "2\n", "second")
    git(root, "tag", "v1")

    for name in ("HEAD", "v1", "main", git(root, "rev-parse", "HEAD")[:7]):
        assert [commit.subject for commit in commit_named(root, name)] == ["second", "first commit"]
    for name in ("", "a.py", "--all", "--output=x", "HEAD:a.py", "ffffffff", "-n1"):
        assert commit_named(root, name) == []
    assert not (root / "x").exists()


def test_the_commit_of_a_line_is_found_below_changes_that_are_not_committed(tmp_path: Path) -> None:
    root = repository(tmp_path, {"a.py": "1\n2\n3\n4\n"})
    change(root, "a.py", "1\n2\nthree\n4\n", "second")
    (root / "a.py").write_text("0\n1\n2\nthree\nnew\n")

    found = commits_of_lines(root, "a.py", 1, 5)

    assert found is not None and {line: commit.subject for line, (commit, _) in found.items()} == {
        2: "first commit",
        3: "first commit",
        4: "second",
    }


def test_a_line_is_followed_to_the_former_name_of_its_file(tmp_path: Path) -> None:
    root = repository(tmp_path, {"a.py": "1\n2\n3\n"})
    git(root, "mv", "a.py", "[b].py")
    git(root, "commit", "--quiet", "--message", "rename")

    found = commits_of_lines(root, "[b].py", 2, 3)
    assert found is not None
    assert [(commit.subject, name) for commit, name in found.values()] == [("first commit", "a.py")] * 2


def test_a_commit_says_which_lines_of_which_files_are_its_own(tmp_path: Path) -> None:
    root = repository(tmp_path, {"a b": "1\n2\n", 'ü"q.txt': "x\ny\nz\nw\n", "gone": "g\n", "same": "s\n"})
    git(root, "mv", 'ü"q.txt', "new.txt")
    git(root, "rm", "--quiet", "gone")
    (root / "a b").write_text("1\n-- two\n3\n")
    (root / "same").chmod(0o755)
    (root / "binary").write_bytes(b"\0\1")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "second")

    found = {file.name: file for file in files_of_commit(root, "HEAD")}

    assert {name: (file.old_name, file.lines, file.added) for name, file in found.items()} == {
        "a b": ("a b", ("1", "-- two", "3"), (1, 2)),
        "binary": ("binary", (), ()),
        "gone": ("gone", (), ()),
        "new.txt": ('ü"q.txt', (), ()),
        "same": ("same", (), ()),
    }
    assert (found["a b"].removed, found["gone"].removed) == (frozenset("2"), frozenset("g"))
    first = commit_named(root, "HEAD")[1].id
    assert [file.added for file in files_of_commit(root, first) if file.name == "a b"] == [(0, 1)]


def test_where_git_knows_nothing_there_are_no_commits(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    for root in (tmp_path / "plain", tmp_path / "gone", repository(tmp_path / "empty")):
        assert (newest_commits(root), commit_named(root, "HEAD"), commits_of_lines(root, "a.py", 1, 1)) == ([], [], {})
        assert files_of_commit(root, "HEAD") == []
