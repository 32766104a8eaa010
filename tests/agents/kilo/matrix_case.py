"""Kilo in the matrix of hand-overs: rows as the real client writes them (7.7.9), an entry in its settings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import ClassVar

from agents.kilo.stores import LATEST, Client
from agents.opencode import matrix_case as relative
from agents.opencode import stores
from carryover.agents.kilo import SPEC
from matrix.tool import Played, Tool, agents_md


class RowsPlayed(relative.RowsPlayed):
    """See `matrix.tool.Played`."""

    CLIENT: ClassVar[type[stores.Client]] = Client

    @staticmethod
    def database(home: Path, version: str) -> Path:  # noqa: ARG004
        return home / ".local" / "share" / "kilo" / "kilo.db"


PLAY: Callable[[Path, Path, datetime], Played] = partial(RowsPlayed, LATEST)
TOOLS = (Tool(id="kilo", agent="kilo", play=PLAY, reads=agents_md, loads=partial(relative.loaded, SPEC)),)
