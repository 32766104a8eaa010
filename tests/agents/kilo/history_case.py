"""Kilo in a generated history: its database stays open for a whole session."""

from __future__ import annotations

from typing import Final

from agents.kilo.matrix_case import RowsPlayed
from agents.kilo.stores import LATEST
from agents.opencode import history_case as relative


class OneClientPlayed(relative.OneClientPlayed, RowsPlayed):
    """See `matrix.tool.Played`."""


PLAYS: Final = {"kilo": relative.plays(LATEST, OneClientPlayed)}
