"""What hooks' payloads mean (reports of `cursor-agent` 2026.09.10), and what uninstall leaves of hooks.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from agents.cursor.contract_case import CONVERSATION, FOREIGN, PAYLOADS, TRANSCRIPT, payload
from carryover.adapter.contract import HookEvent
from carryover.agents.cursor import SPEC
from carryover.agents.cursor.adapter import HOOKS
from carryover.faces.cli.main import main
from carryover.model import Skipped
from contract.case import LEFT_OUT
from contract.test_uninstall import contents
from support.agent_here import only_this_path
from support.tools import versioned


def reported(event: str, **fields: Any) -> HookEvent | Skipped:
    given = payload(event, **fields)
    return HOOKS.read(given.event, given.data)


def reading(**fields: object) -> HookEvent:
    common = {"session": CONVERSATION, "cwd": "/home/dev/shop", "transcript": TRANSCRIPT}
    return msgspec.convert({**common, **fields}, HookEvent)


def test_a_start_is_that_of_a_new_session_in_the_workspace() -> None:
    """There is no folder in the payload, no reason, and in the terminal no transcript either."""
    started = reported("sessionStart", session_id=CONVERSATION, is_background_agent=False, transcript_path=None)

    assert started == reading(action="session_start", reason="startup", transcript=None)


def test_a_background_agent_is_given_nothing() -> None:
    assert reported("sessionStart", is_background_agent=True) == reading(action="hint")


@pytest.mark.parametrize("roots", [[], None, LEFT_OUT, "/home/dev/shop", [1], {}])
def test_an_empty_window_has_no_project(roots: object) -> None:
    assert reported("stop", workspace_roots=roots) == reading(action="turn_end", cwd=None)


@pytest.mark.parametrize(
    "root", ["C:\\work\\shop", "file:///home/dev/shop", "vscode-remote://ssh-remote+box/home/dev/shop", "shop", ""]
)
def test_a_workspace_that_is_no_folder_here_is_counted(root: str) -> None:
    assert reported("stop", workspace_roots=[root]) == Skipped(
        "hook/stop", "a workspace that is no folder of this system"
    )


def test_the_users_address_is_nowhere_in_what_is_read() -> None:
    for given in (*PAYLOADS, *FOREIGN):
        assert b"dev@example.com" in given.data
        assert "example.com" not in repr(HOOKS.read(given.event, given.data))


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
    only_this_path(home, monkeypatch, system=())
    versioned(home / "bin" / SPEC.binaries[0], "no version")
    for folder in SPEC.folders:
        folder.at(home, {}).mkdir(parents=True, exist_ok=True)
    [path] = {place.at(home, {}) for place in SPEC.hooks.config_files}
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


@pytest.mark.parametrize(
    ("before", "again"), [(None, "install"), (None, "refresh"), *((name, "refresh") for name in UNVERSIONED)]
)
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
