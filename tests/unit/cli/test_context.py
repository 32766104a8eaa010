from __future__ import annotations

import re
from pathlib import Path

import pytest

from carryover.actions.context import project_root, state_dir
from carryover.errors import ExitCode, UserError


def test_the_state_folder_is_in_the_home_folder_unless_it_was_moved(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = state_dir().root
    monkeypatch.delenv("CARRYOVER_HOME")

    assert moved == home / ".carryover"
    assert state_dir().root == home / ".carryover"
    assert not state_dir().root.exists()


@pytest.mark.parametrize("moved", ["state", "./state", "../state", "~nobody-here/state"])
def test_a_relative_state_folder_is_refused(moved: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each folder would have a state of its own, and the daemon's would be another."""
    monkeypatch.setenv("CARRYOVER_HOME", moved)

    with pytest.raises(UserError, match=re.escape(f"CARRYOVER_HOME is {moved!r}, a relative path")) as refused:
        state_dir()
    assert refused.value.code is ExitCode.REFUSED


def test_a_relative_home_folder_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CARRYOVER_HOME")
    monkeypatch.setenv("HOME", "dev")

    with pytest.raises(UserError, match=r"^HOME is 'dev', a relative path"):
        state_dir()


def test_a_file_in_place_of_the_state_folder_is_said(home: Path) -> None:
    (home / ".carryover").write_text("")

    with pytest.raises(UserError, match="can't be used: Not a directory"):
        state_dir()


def test_a_link_to_a_project_leads_to_it(shop: Path, tmp_path: Path) -> None:
    """Agents record the working directory as the system names it, without links."""
    (tmp_path / "link").symlink_to(shop)
    (shop / "src").mkdir()

    assert project_root(str(tmp_path / "link" / "src")) == str(shop)


def test_a_current_folder_that_was_removed_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()

    with pytest.raises(UserError, match="no longer exists"):
        project_root(None)
