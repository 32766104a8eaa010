from __future__ import annotations

from pathlib import Path

import pytest

from carryover.cli.carryoverd import main
from carryover.errors import ExitCode


def test_install_is_the_same_as_carryover_install(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["install", "--help"]) == ExitCode.OK
    assert "usage: carryover install" in capsys.readouterr().out


def test_everything_else_is_the_daemon_s(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--once"]) == ExitCode.OK
    assert (home / ".carryover/ledger.sqlite").exists()
