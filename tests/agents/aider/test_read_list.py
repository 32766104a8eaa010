"""The handoff in a project's list of files that an agent reads: where it goes, what is left alone, and taken out."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from agents.aider.chats import use_aider
from carryover.config import ProjectSettings
from carryover.edits.apply import Edit
from carryover.edits.record import PublishedProject
from carryover.install.uninstall import project_edits
from carryover.publish.project_files import preview, publish
from carryover.redact import CleanText
from support.repository import git, repository

SETTINGS = ".aider.conf.yml"
HANDOFF = ".carryover/handoff.md"


@pytest.fixture
def shop(home: Path) -> Path:
    """A repository in which Aider was used, and which ignores what belongs to Aider."""
    root = repository(home / "work" / "shop", {".gitignore": ".aider*\n"})
    use_aider(root, "Fix the rounding of prices")
    return root


def entry(root: Path) -> str:
    return f'"{root / HANDOFF}"'


def undo(root: Path) -> dict[str, bytes | None]:
    """What uninstall makes of each file of the project."""
    edits: list[Edit] = list(project_edits(PublishedProject(str(root), str(root / ".carryover"))))
    assert [edit.problem for edit in edits if edit.problem] == []
    return {edit.path.name: edit.after for edit in edits}


def test_the_handoff_is_added_and_taken_out_again(shop: Path) -> None:
    published = publish(shop, CleanText("the handoff\n"), ProjectSettings())

    assert SETTINGS in published.edited
    assert (shop / SETTINGS).read_text() == f"# Carryover (auto-added)\nread: [{entry(shop)}]\n"
    assert publish(shop, CleanText("the handoff\n"), ProjectSettings()).edited == ()
    assert undo(shop)[SETTINGS] is None


def test_where_the_agent_never_worked_nothing_is_written(home: Path) -> None:
    root = repository(home / "work" / "other", {".gitignore": ".aider*\n"})

    publish(root, CleanText("the handoff\n"), ProjectSettings())

    assert not (root / SETTINGS).exists()


def test_a_file_that_git_does_not_ignore_is_made_and_kept_out_of_commits(home: Path) -> None:
    """`git add --all`, which agents run, adds none of it; uninstalling leaves nothing."""
    root = repository(home / "work" / "shop", {"a.py": "1\n"})
    exclude = root / ".git" / "info" / "exclude"
    before = exclude.read_bytes() if exclude.exists() else None
    use_aider(root, "Fix the rounding of prices")

    for _ in range(2):
        assert publish(root, CleanText("the handoff\n"), ProjectSettings()).notes == ()

    assert entry(root) in (root / SETTINGS).read_text()
    assert SETTINGS not in git(root, "status", "--short", "--untracked-files=all")
    assert undo(root)[SETTINGS] is None
    assert undo(root)["exclude"] == before


@pytest.mark.parametrize("tracked", [False, True])
def test_a_path_of_this_machine_gets_into_no_commit(home: Path, tracked: bool) -> None:
    root = repository(home / "work" / "shop", {"a.py": "1\n"})
    (root / SETTINGS).write_text("model: x\n")
    use_aider(root, "Fix the rounding of prices")
    why = "git tracks it" if tracked else "git does not ignore it"
    if tracked:
        subprocess.run(["git", "-C", str(root), "add", "-f", SETTINGS], check=True)

    published = publish(root, CleanText("the handoff\n"), ProjectSettings())

    [note] = published.notes
    assert why in note
    assert f"`aider --read {HANDOFF}`" in note
    assert (root / SETTINGS).read_text() == "model: x\n"
    planned = preview(root, ProjectSettings(), home=home)
    assert planned is not None
    assert planned.notes == [note], "install says so"


def test_a_file_that_is_tracked_by_now_loses_the_entry(shop: Path) -> None:
    publish(shop, CleanText("the handoff\n"), ProjectSettings())
    subprocess.run(["git", "-C", str(shop), "add", "-f", SETTINGS], check=True)

    publish(shop, CleanText("the handoff\n"), ProjectSettings())

    assert not (shop / SETTINGS).exists()


def test_the_list_of_all_projects_is_not_hidden(home: Path, shop: Path) -> None:
    """A list in the project's file replaces the one in the home folder (0.86.2)."""
    (home / SETTINGS).write_text("read: [~/rules.md]\n")

    [note] = publish(shop, CleanText("the handoff\n"), ProjectSettings(), home=home).notes

    assert "would no longer count" in note
    assert not (shop / SETTINGS).exists()
    (shop / SETTINGS).write_text("read: A.md\n")
    assert SETTINGS in publish(shop, CleanText("the handoff\n"), ProjectSettings(), home=home).edited


def test_what_is_not_understood_is_left_alone_and_named(shop: Path) -> None:
    (shop / SETTINGS).write_text("read: [A.md\n")

    [note] = publish(shop, CleanText("the handoff\n"), ProjectSettings()).notes

    assert note.startswith(f"{SETTINGS} was left alone: ")
    assert (shop / SETTINGS).read_text() == "read: [A.md\n"
