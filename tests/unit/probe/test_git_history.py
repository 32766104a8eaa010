"""Commits and the commits of lines, asked of real git."""

from __future__ import annotations

from pathlib import Path

from carryover.probe.git_history import commit_named, commit_of_line, newest_commits
from support.repository import git, repository


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
    assert len(newest_commits(root, limit=2)) == 2
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

    found = [commit_of_line(root, "a.py", line) for line in range(1, 6)]

    assert [each and each[0].subject for each in found] == [None, "first commit", "first commit", "second", None]


def test_a_line_is_followed_to_the_former_name_of_its_file(tmp_path: Path) -> None:
    root = repository(tmp_path, {"a.py": "1\n2\n3\n"})
    git(root, "mv", "a.py", "[b].py")
    git(root, "commit", "--quiet", "--message", "rename")

    found = commit_of_line(root, "[b].py", 2)
    assert found is not None
    assert (found[0].subject, found[1]) == ("first commit", "a.py")


def test_where_git_knows_nothing_there_are_no_commits(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    for root in (tmp_path / "plain", tmp_path / "gone", repository(tmp_path / "empty")):
        assert (newest_commits(root), commit_named(root, "HEAD"), commit_of_line(root, "a.py", 1)) == ([], [], None)
