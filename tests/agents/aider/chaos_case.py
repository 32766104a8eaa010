"""Aider under chaos: as in the matrix, but nobody asks a daemon to look for the project."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from agents.aider import matrix_case
from agents.aider.matrix_case import AiderPlayed
from matrix.tool import Played

TRAITS: Final = frozenset(("inode", "many"))
"""Its sessions have no id but their time and the inode of their file, and all of a project are in one file."""


def _play(home: Path, folder: Path, now: datetime) -> Played:
    return AiderPlayed(home, folder, now, announced=False)


TOOLS = tuple(replace(tool, play=_play) for tool in matrix_case.TOOLS)
