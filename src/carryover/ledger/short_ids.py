"""Shortens session ids."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

SHORTEST_ID: Final = 8


def shortest_unique(ids: Sequence[str]) -> dict[str, str]:
    """Returns for each id its shortest prefix, of at least 8 characters, that no other of `ids` has."""
    ordered = sorted(set(ids))
    shared = [_common(first, second) for first, second in pairwise(ordered)]
    needed = [max(before, after) + 1 for before, after in zip([0, *shared], [*shared, 0], strict=False)]
    return {name: name[: max(length, SHORTEST_ID)] for name, length in zip(ordered, needed, strict=False)}


def _common(first: str, second: str) -> int:
    if first[:SHORTEST_ID] != second[:SHORTEST_ID]:  # nearly always
        return 0
    return next(
        (at for at, (one, other) in enumerate(zip(first, second, strict=False)) if one != other),
        min(len(first), len(second)),
    )
