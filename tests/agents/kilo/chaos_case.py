"""Kilo under chaos: a database that takes the place of another one gives other ids."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

from agents.kilo import matrix_case
from agents.kilo.stores import LATEST
from agents.opencode.chaos_case import ManyDatabasesPlayed as RelativesPlayed

TRAITS: Final[frozenset[str]] = frozenset()


class ManyDatabasesPlayed(RelativesPlayed, matrix_case.RowsPlayed):
    """See `matrix.tool.Played`."""


TOOLS = tuple(replace(tool, play=partial(ManyDatabasesPlayed, LATEST)) for tool in matrix_case.TOOLS)
