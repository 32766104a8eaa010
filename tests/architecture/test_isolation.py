"""The suite's own promise: no test reaches the home folder of the person who runs it."""

import os
import subprocess
from pathlib import Path

import pytest


def test_home_is_a_folder_of_this_test_alone(home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert Path.home() == home
    assert home.is_relative_to(tmp_path_factory.getbasetemp())


def test_finding_the_real_home_fails_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")

    with pytest.raises(pytest.fail.Exception, match="real home"):
        Path("~/.carryover").expanduser()


def test_state_and_settings_lie_below_the_test_home(home: Path) -> None:
    leading = {name: value for name, value in os.environ.items() if name.startswith("XDG_") or name == "CARRYOVER_HOME"}

    assert [name for name, value in leading.items() if not Path(value).is_relative_to(home)] == []


def test_git_knows_only_the_author_of_the_tests(tmp_path: Path) -> None:
    shown = subprocess.run(
        ["git", "config", "--list", "--name-only"], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert shown.stdout.split() == ["user.name", "user.email", "init.defaultbranch", "maintenance.auto"]
