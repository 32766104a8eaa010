from __future__ import annotations

import sys
from pathlib import Path

import pytest

from carryover.cli.carryoverd import main
from carryover.errors import ExitCode


def test_reading_once_on_a_terminal_shows_how_far_it_is(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watched: list[bool] = []
    monkeypatch.setattr("carryover.actions.first_read.show_until", lambda ended: watched.append(ended.wait(60)))
    assert main(["--once"]) == ExitCode.OK
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(["--once"]) == ExitCode.OK

    assert watched == [True]
