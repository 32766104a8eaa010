"""What was edited is remembered, so that it alone is undone."""

from __future__ import annotations

import errno
from pathlib import Path

from carryover.publish.edits import Edits


def fails() -> bool:
    raise OSError(errno.ENOSPC, "No space left on device", "/home/dev/app/AGENTS.md")


def test_files_that_were_edited_are_remembered_until_that_is_undone(tmp_path: Path) -> None:
    Edits(tmp_path).make("CLAUDE.md", lambda: True)
    Edits(tmp_path).make("AGENTS.md", lambda: True)
    assert (tmp_path / "edited").read_text() == "AGENTS.md\nCLAUDE.md\n"

    Edits(tmp_path).undo("CLAUDE.md", lambda: True)
    assert Edits(tmp_path).mine == {"AGENTS.md"}

    Edits(tmp_path).undo("AGENTS.md", lambda: True)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_right_already_is_not_ours(tmp_path: Path) -> None:
    edits = Edits(tmp_path)

    assert edits.make("AGENTS.md", lambda: False) is True
    assert (edits.done, edits.mine, list(tmp_path.iterdir())) == ([], set(), [])


def test_a_failure_becomes_a_note_without_a_path(tmp_path: Path) -> None:
    edits = Edits(tmp_path, notes=["earlier"])

    assert edits.make("AGENTS.md", fails) is False
    assert (edits.done, edits.notes) == ([], ["earlier", "AGENTS.md was left alone: No space left on device"])


def test_a_list_that_a_stranger_wrote_names_no_other_files(tmp_path: Path) -> None:
    (tmp_path / "edited").write_text("../../.bashrc\n.gitignore\nREADME.md\n")

    assert Edits(tmp_path).mine == {".gitignore"}
