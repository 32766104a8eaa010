"""The project and the state folder that a command is about."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from carryover.errors import ExitCode, UserError
from carryover.past.context import (
    KNOWN_PROJECTS,
    first_day_ms,
    no_such_folder,
    nothing_recorded,
    project_root,
    refuse_paused,
    settings_to_print,
    state_dir,
)
from support.repository import git


@pytest.fixture
def inside(shop: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the project, which is the current one."""
    (shop / "lib").mkdir()
    monkeypatch.chdir(shop / "lib")
    return shop / "lib"


def test_a_project_is_the_one_around_a_folder_or_a_file(inside: Path, shop: Path) -> None:
    (inside.parent.parent / "link").symlink_to(inside)

    found = [project_root(name) for name in (None, ".", "..", "../cart.py", str(shop.parent / "link"))]
    assert found == [str(shop)] * 5
    assert project_root(str(shop), must_exist=True) == str(shop)


@pytest.mark.parametrize(
    ("name", "must_exist", "code"),
    [
        ("gone", False, ExitCode.NOTHING_FOUND),
        ("/gone", True, ExitCode.NOTHING_FOUND),
        ("../cart.py", True, ExitCode.NOTHING_FOUND),
        ("a\udcff", False, ExitCode.REFUSED),
        ("laptop:/home/ada/shop", False, ExitCode.REFUSED),
    ],
)
def test_a_folder_that_is_not_here_is_no_project(inside: Path, name: str, must_exist: bool, code: ExitCode) -> None:
    with pytest.raises(UserError) as raised:
        project_root(name, must_exist=must_exist)

    assert raised.value.code == code


def test_a_folder_may_be_gone_or_on_another_machine_if_only_the_ledger_is_asked(inside: Path) -> None:
    assert project_root("/gone") == "/gone"
    assert project_root("laptop:/home/ada/shop/", elsewhere=True) == "laptop:/home/ada/shop"
    inside.rmdir()
    with pytest.raises(UserError, match="The current folder no longer exists"):
        project_root(None)


def test_of_a_worktree_the_main_checkout_is_named(shop: Path, tmp_path: Path) -> None:
    git(shop, "worktree", "add", "--quiet", str(tmp_path / "tree"), "-b", "other")

    assert str(nothing_recorded(str(shop))) == f"No session is recorded for {shop}. {KNOWN_PROJECTS}"
    of_tree = str(nothing_recorded(str(tmp_path / "tree")))
    assert f"It is a worktree of {shop}: `carryover sessions {shop}` lists" in of_tree
    gone = "There is no folder /gone, and nothing is recorded for it."
    assert (no_such_folder("/gone"), str(nothing_recorded("/gone"))) == (gone, f"{gone} {KNOWN_PROJECTS}")
    assert no_such_folder("laptop:/gone") is None


def test_the_days_begin_at_local_midnight() -> None:
    today = datetime.now().replace(hour=0, minute=0, second=0, microsecond=0)  # noqa: DTZ005 (of the local zone)

    days = [datetime.fromtimestamp(first_day_ms(days) / 1000) for days in (1, 3)]  # noqa: DTZ006 (likewise)
    assert days == [today, today - timedelta(days=2)]


def test_settings_that_cannot_be_used_are_warned_of_and_a_pause_is_refused(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refuse_paused("read")
    state_dir().root.mkdir()
    assert (settings_to_print().paused, capsys.readouterr().err) == (False, "")
    state_dir().config.write_text("resume = [")
    settings_to_print()
    assert str(state_dir().config) in capsys.readouterr().err
    state_dir().paused.touch()
    with pytest.raises(UserError, match="so nothing was read") as raised:
        refuse_paused("read")
    assert raised.value.code == ExitCode.REFUSED


def test_a_state_folder_that_is_a_file_is_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "state").write_text("")
    monkeypatch.setenv("CARRYOVER_HOME", str(home / "state"))

    with pytest.raises(UserError, match=r"can't be used: Not a directory\. Nothing was read or changed\. Repair it"):
        state_dir()
