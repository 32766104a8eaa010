"""What Carryover put into a project is found again, and only that."""

from __future__ import annotations

from pathlib import Path

from carryover.config import ProjectSettings
from carryover.install.project_removal import project_edits, store_files
from carryover.publish.pointer import NEW_FILE
from carryover.publish.project_files import publish
from carryover.publish.published import PublishedProject
from support.repository import repository

RULE = b"# Carryover (auto-added)\n.carryover/\n"


def published(root: Path, settings: ProjectSettings | None = None) -> PublishedProject:
    done = publish(root, "the handoff\n", settings or ProjectSettings())
    assert done.refusal is None
    return PublishedProject(str(root), str(root / ".carryover"))


def edits(project: PublishedProject) -> dict[str, tuple[bytes | None, str | None]]:
    """What each file would become, and why it would be left alone."""
    found = [edit for edit in project_edits(project) if edit.reason or edit.changes]
    return {str(edit.path.relative_to(project.root)): (edit.after, edit.reason) for edit in found}


def test_files_that_were_made_go_and_files_of_the_user_are_put_back(home: Path) -> None:
    root = repository(home / "app", {"CLAUDE.md": "Be Claude."})

    assert edits(published(root)) == {
        "AGENTS.md": (None, None),
        "CLAUDE.md": (b"Be Claude.", None),
        ".gitignore": (None, None),
    }


def test_a_rule_that_nobody_shares_goes_too(home: Path) -> None:
    root = repository(home / "app")
    before = (root / ".git" / "info" / "exclude").read_bytes()

    assert edits(published(root, ProjectSettings(pointers="private"))) == {".git/info/exclude": (before, None)}


def test_what_came_with_the_repository_stays(home: Path) -> None:
    """Another of its owners committed it; on this machine nothing was edited."""
    root = repository(home / "app", {"AGENTS.md": NEW_FILE.decode(), ".gitignore": RULE.decode()})

    assert edits(published(root)) == {}


def test_a_block_that_was_edited_by_hand_is_left_alone(home: Path) -> None:
    root = repository(home / "app", {"a.py": "1\n"})
    project = published(root)
    mine = NEW_FILE.replace(b"before starting", b"before you start")
    (root / "AGENTS.md").write_bytes(mine)

    assert edits(project)["AGENTS.md"] == (mine, "its Carryover block was edited by hand")


def test_a_memory_file_that_leads_out_of_the_project_by_now_is_left_alone(home: Path) -> None:
    root = repository(home / "app", {"a.py": "1\n"})
    project = published(root)
    (root / "AGENTS.md").rename(home / "AGENTS.md")
    (root / "AGENTS.md").symlink_to(home / "AGENTS.md")

    assert edits(project)["AGENTS.md"] == (None, "it is a symlink that leads out of the project")
    assert (home / "AGENTS.md").read_bytes() == NEW_FILE


def test_the_folder_is_the_last_of_what_is_ours_in_it(home: Path) -> None:
    project = published(repository(home / "app"))
    store = home / "app" / ".carryover"
    (store / ".handoff.md.0a1b2c3d.tmp").touch()
    (store / "notes.txt").touch()

    assert [path.name for path in store_files(project)] == [
        "handoff.md",
        "edited",
        ".handoff.md.0a1b2c3d.tmp",
        ".carryover",
    ]


def test_a_folder_that_is_a_symlink_or_gone_is_not_ours(home: Path) -> None:
    (home / "app").mkdir()
    (home / "other").mkdir()
    (home / "other" / "handoff.md").touch()
    (home / "app" / ".carryover").symlink_to(home / "other")

    assert store_files(PublishedProject(str(home / "app"), str(home / "app" / ".carryover"))) == []
    gone = PublishedProject("/gone", "/gone/.carryover")
    assert (store_files(gone), list(project_edits(gone))) == ([], [])
