"""The machine the installer runs on."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from carryover.install.machine import Machine


def test_what_an_earlier_install_saw_counts_where_the_environment_says_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEX_HOME", "/srv/today")

    machine = Machine.here({"CODEX_HOME": "/srv/then", "CLAUDE_CONFIG_DIR": "/srv/claude"})

    assert (machine.env["CODEX_HOME"], machine.env["CLAUDE_CONFIG_DIR"]) == ("/srv/today", "/srv/claude")
    assert (machine.home, machine.platform, machine.root) == (home, sys.platform, Path("/"))
