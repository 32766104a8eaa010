"""Copilot under chaos: as in the matrix."""

from __future__ import annotations

from typing import Final

from agents.copilot.matrix_case import TOOLS

__all__ = ["TOOLS", "TRAITS"]

TRAITS: Final = frozenset(("rewinds",))
"""What is no longer in a log was taken back, whatever the reason."""
