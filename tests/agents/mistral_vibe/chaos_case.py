"""Mistral Vibe under chaos: as in the matrix."""

from __future__ import annotations

from typing import Final

from agents.mistral_vibe.matrix_case import TOOLS

__all__ = ["TOOLS", "TRAITS"]

TRAITS: Final = frozenset(("rewinds",))
"""A session is what its newest state and journal say together: an entry that is in neither was taken back."""
