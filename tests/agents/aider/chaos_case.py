"""Aider under chaos: as in the matrix, but nobody asks a daemon to look for the project."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from agents.aider import matrix_case
from agents.aider.matrix_case import AiderPlayed
from matrix.tool import Played

TRAITS: Final = frozenset(("places", "guarded", "inode"))
"""`places`: its sessions have no id but their time, and their turns no id but their place. No program takes back what
is in its file, so after a cut by hand only new sessions are written. `guarded`: it is in the project, and what was
moved there counts once Aider has written to it. `inode`: a session's id has that of the file it was first read from, so
a copy in its place, together with a lost position, makes other sessions of it."""


def _play(home: Path, folder: Path, now: datetime) -> Played:
    return AiderPlayed(home, folder, now, announced=False)


TOOLS = tuple(replace(tool, play=_play) for tool in matrix_case.TOOLS)
