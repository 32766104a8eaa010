"""What uninstall leaves of Cursor's hooks.json: a file of the user's without `version`, and one that was not there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from carryover.agents.cursor.spec import SPEC
from carryover.cli.main import main
from contract.test_uninstall import contents
from support.agent_here import only_this_path
from support.tools import versioned

UNVERSIONED: Final = {
    "an empty object": "{}",
    "spread over lines": "{\n}\n",
    "no last line end": '{\n  "hooks": {\n    "stop": []\n  }\n}',
    "line ends of Windows": '{\r\n\t"hooks": {}\r\n}\r\n',
    "empty": "",
}


@pytest.fixture
def hooks_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a user who has Cursor; it is not there yet."""
    only_this_path(home, monkeypatch)
    versioned(home / "bin" / SPEC.binaries[0], "no version")
    for folder in SPEC.folders:
        folder.at(home, {}).mkdir(parents=True, exist_ok=True)
    [path] = {place.at(home, {}) for place in SPEC.hooks.places}
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def install() -> None:
    assert main(("install", "--yes", "--agents", SPEC.id, "--no-service")) == 0


def refresh() -> None:
    assert main(("refresh", "--yes", "--no-service")) == 0


def lose_record(home: Path) -> None:
    (home / ".carryover" / "config.toml").unlink()


@pytest.mark.parametrize("before", UNVERSIONED)
def test_a_file_without_a_version_is_given_back_as_it_was(hooks_file: Path, home: Path, before: str) -> None:
    hooks_file.write_bytes(UNVERSIONED[before].encode())
    found = contents(home)

    install()
    assert '"version": 1' in hooks_file.read_text()
    refresh()
    assert main(("uninstall", "--purge", "--yes")) == 0

    assert contents(home) == found


@pytest.mark.parametrize("again", [install, refresh])
def test_a_file_that_was_not_there_goes_away(hooks_file: Path, home: Path, again: Callable[[], None]) -> None:
    found = contents(home)

    install()
    assert '"version": 1' in hooks_file.read_text()
    again()
    lose_record(home)
    assert main(("uninstall", "--purge", "--yes")) == 0

    assert contents(home) == found
