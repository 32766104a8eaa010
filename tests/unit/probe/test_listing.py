from __future__ import annotations

import os
from pathlib import Path

import pytest

from carryover.probe.files import LARGEST_BYTES, project_paths, project_text, why_unread
from support.repository import git, repository


def test_with_git_the_files_are_those_that_it_tracks_or_would_add(tmp_path: Path) -> None:
    root = repository(tmp_path / "shop", {"cart.py": "", ".gitignore": "build/\n*.log\n", "src/a b.py": ""})
    for name in ("new.py", "build/x.py", "debug.log", "caf\u00e9.py"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("")
    os.mkfifo(root / "pipe")
    (root / os.fsdecode(b"bad\xff.py")).write_text("")

    found, new = project_paths(root)

    assert found == (".gitignore", "caf\u00e9.py", "cart.py", "new.py", "src/a b.py")
    assert new == {"caf\u00e9.py", "new.py"}


def test_without_git_folders_that_programs_fill_are_left_out(tmp_path: Path) -> None:
    for name in ("a.py", "src/b.py", "node_modules/c.js", ".cache/d", "build/e.o"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "round").symlink_to(tmp_path)

    assert project_paths(tmp_path) == (("a.py", "src/b.py"), frozenset())


def test_of_the_home_folder_only_its_own_files_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its folders are other projects, whose instructions must not get into a document of this one."""
    (tmp_path / "home" / "shop").mkdir(parents=True)
    (tmp_path / "home" / "shop" / "AGENTS.md").write_text("Whole cents.\n")
    (tmp_path / "home" / "todo.md").write_text("")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    assert project_paths(tmp_path / "home")[0] == ("todo.md",)
    assert project_paths(tmp_path)[0] == ()
    assert project_paths(tmp_path / "home" / "shop")[0] == ("AGENTS.md",)


def test_without_git_repositories_in_the_folder_are_other_projects(tmp_path: Path) -> None:
    repository(tmp_path / "code" / "shop", {"AGENTS.md": "Whole cents.\n"})
    (tmp_path / "code" / "notes").mkdir()
    (tmp_path / "code" / "notes" / "todo.md").write_text("")

    assert project_paths(tmp_path / "code")[0] == ("notes/todo.md",)
    assert project_paths(tmp_path / "code" / "shop")[0] == ("AGENTS.md",)


def test_a_deleted_file_is_listed_by_git_and_has_no_text(tmp_path: Path) -> None:
    root = repository(tmp_path / "shop", {"cart.py": "x", "gone.py": "y"})
    (root / "gone.py").unlink()

    with pytest.raises(FileNotFoundError):
        project_text(root, "gone.py")
    git(root, "rm", "--quiet", "--cached", "gone.py")
    assert project_paths(root)[0] == ("cart.py",)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"a\0b", "not text"),
        (b"\xff\xfe", "not text"),
        (b"x" * (LARGEST_BYTES + 1), f"larger than {LARGEST_BYTES:,} bytes"),
    ],
)
def test_text_is_read_without_its_byte_order_mark_and_nothing_else(data: bytes, why: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfna\xc3\xafve")
    (tmp_path / "a.bin").write_bytes(data)

    assert project_text(tmp_path, "a.txt") == "na\u00efve"
    try:
        project_text(tmp_path, "a.bin")
    except (ValueError, OSError) as refused:
        assert why_unread(refused) == why
    else:
        pytest.fail("it was read")


def test_nothing_outside_of_the_project_is_read(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    root.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    (root / "folder").symlink_to(tmp_path)

    for path in ("link.txt", "folder/secret.txt", "../secret.txt"):
        with pytest.raises(OSError):
            project_text(root, path)
