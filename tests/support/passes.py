"""A pass of edits in one project, listed in the journal of this test's home folder."""

from __future__ import annotations

import os
from pathlib import Path

from carryover.outside.in_project import Pass
from carryover.outside.journal import read_journal
from carryover.paths import StateDir
from carryover.probe.checkout import Checkout


def own_state() -> Path:
    return StateDir.of(os.environ, Path.home()).root


def listed_names(root: Path) -> set[str]:
    """The files of the project that have our text, as the journal says."""
    return read_journal(own_state()).names(root)


def begun(root: Path, *notes: str) -> Pass:
    return Pass(Checkout(root), own_state(), notes)
