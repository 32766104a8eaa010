"""What a command says where the machine does not let it work."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from carryover.errors import ExitCode
from support.forked import CARRYOVER
from support.recorded_shop import Run
from support.tools import needs_setpriv, without_rights_of_root


@needs_setpriv
def test_a_state_folder_of_root_is_said_with_what_gives_it_back(home: Path) -> None:
    """As a command with sudo leaves it: its mode is not the user's to change."""
    theirs = home / ".carryover"
    theirs.mkdir(mode=0o700)
    os.chown(theirs, 1234, 1234)

    command = without_rights_of_root(*CARRYOVER, "status")
    answer = subprocess.run(command, cwd=home, capture_output=True, text=True, timeout=60)

    assert f'Run `sudo chown -R "$(id -u)" {theirs}`, or set CARRYOVER_HOME' in answer.stderr
