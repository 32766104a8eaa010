from __future__ import annotations

from pathlib import Path

import pytest

from carryover.actions.context import project_root, state_dir
from carryover.errors import UserError


def test_the_state_folder_is_in_the_home_folder_unless_it_was_moved(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = state_dir().root
    monkeypatch.delenv("CARRYOVER_HOME")

    assert moved == home / ".carryover"
    assert state_dir().root == home / ".carryover"
    assert not state_dir().root.exists()


def test_a_file_in_place_of_the_state_folder_is_said(home: Path) -> None:
    (home / ".carryover").write_text("")

    with pytest.raises(UserError, match="can't be used: Not a directory"):
        state_dir()


def test_a_current_folder_that_was_removed_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()

    with pytest.raises(UserError, match="no longer exists"):
        project_root(None)
