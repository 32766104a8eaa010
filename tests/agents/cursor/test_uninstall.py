"""What uninstall leaves of Cursor's hooks.json: a file of the user's without `version`, and one that was not there."""

from __future__ import annotations

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


@pytest.mark.parametrize("again", ["install", "refresh"])
@pytest.mark.parametrize("before", [*UNVERSIONED, None])
def test_it_is_given_back_as_it_was(hooks_file: Path, home: Path, before: str | None, again: str) -> None:
    """Also where no record says that the file was not there."""
    if before is not None:
        hooks_file.write_text(UNVERSIONED[before], newline="")
    found = contents(home)

    for command in ("install", again):
        chosen = ("--agents", SPEC.id) if command == "install" else ()
        assert main((command, "--yes", *chosen, "--no-service")) == 0
        assert '"version": 1' in hooks_file.read_text()
    if before is None:
        (home / ".carryover" / "config.toml").unlink()
    assert main(("uninstall", "--purge", "--yes")) == 0

    assert contents(home) == found
