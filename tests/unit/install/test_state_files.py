"""In the state folder only what is ours is listed, the record last of the files."""

from __future__ import annotations

from pathlib import Path

from carryover.install.state_files import state_files
from carryover.paths import StateDir

OURS = (
    "handoff.md", "ledger.sqlite", "ledger.sqlite-shm", "ledger.sqlite-wal", "ledger.before-3.sqlite",
    "ledger.corrupt-20261120T060226.000001Z.sqlite", "carryoverd.log", "carryoverd.log.1", "launchd.log", "hook.sh",
    "hook.curl", "hook.secret", "daemon.sock", "daemon.lock", "paused", "config.toml", ".config.toml.0a1b2c3d.tmp",
    "projects.jsonl", "edits.json", "edits.lock",
)  # fmt: skip


def test_every_file_of_ours_is_listed_and_nothing_else(tmp_path: Path) -> None:
    root = tmp_path / "state"
    root.mkdir()
    for name in (*OURS, "notes.txt", "ledger.md", ".hidden"):
        (root / name).touch()

    assert [path.name for path, _ in state_files(StateDir(root))] == [*OURS, "state"]


def test_folders_of_ours_are_listed_from_the_inside_out_and_links_not_followed(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "state", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "theirs").touch()
    answers = root / "restore" / "claude-code" / "startup" / "work" / "app"
    answers.mkdir(parents=True)
    (answers / ".answer").touch()
    (answers / "link").symlink_to(elsewhere)
    (root / "backups").symlink_to(elsewhere)

    assert [str(path.relative_to(root)) for path, _ in state_files(StateDir(root))] == [
        "restore/claude-code/startup/work/app/.answer",
        "restore/claude-code/startup/work/app/link",
        "restore/claude-code/startup/work/app",
        "restore/claude-code/startup/work",
        "restore/claude-code/startup",
        "restore/claude-code",
        "restore",
        "backups",
        ".",
    ]


def test_without_a_state_folder_there_is_nothing(tmp_path: Path) -> None:
    assert list(state_files(StateDir(tmp_path / "state"))) == []
