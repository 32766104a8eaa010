"""What an error says of what was kept, and of what to do next."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from carryover.errors import ExitCode
from support.recorded_shop import Run


@pytest.mark.parametrize(
    ("command", "code", "ends"),
    [
        ("help frobnicate", ExitCode.USAGE, "`carryover help` lists all."),
        ("agents check frobnicate", ExitCode.NOTHING_FOUND, "with the package that each comes from."),
        ("import missing.jsonl", ExitCode.NOTHING_FOUND, "Nothing was imported."),
        ("import empty.jsonl", ExitCode.NOTHING_FOUND, "Nothing was imported from it."),
        ("import folder", ExitCode.NOTHING_FOUND, "Nothing was imported."),
        ("sync init", ExitCode.USAGE, "or an empty folder. Nothing was changed."),
        ("sync add-machine", ExitCode.USAGE, "shows on the other machine. Nothing was changed."),
        ("sync remove-machine", ExitCode.USAGE, "`carryover sync status` lists. Nothing was changed."),
        ("sync add-machine 0433 9394 0435 8732 8327", ExitCode.NOTHING_FOUND, "or an empty folder."),
        ("sync init --name laptop a b", ExitCode.USAGE, "`carryover sync init` takes one word. Nothing was changed."),
        ("sync --delete", ExitCode.USAGE, "--delete is for off."),
        ("link gone gone", ExitCode.USAGE, "Nothing was changed."),
        ("link gone nowhere", ExitCode.NOTHING_FOUND, "Nothing was changed."),
        ("forget --all --yes", ExitCode.NOTHING_FOUND, "Nothing is recorded yet, so nothing was changed."),
    ],
)
def test_an_error_ends_with_what_was_kept_or_what_to_do(
    command: str, code: ExitCode, ends: str, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "empty.jsonl").touch()
    (home / "folder").mkdir()
    monkeypatch.chdir(home)

    assert run.err(code, *shlex.split(command)).rstrip("\n").endswith(ends)
