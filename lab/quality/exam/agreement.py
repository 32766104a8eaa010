"""How far graders agree: Krippendorff's alpha for ordered grades, for any number of graders, some grades missing.

1 is full agreement, 0 is what chance would give. Grades of one thing by fewer than two graders say nothing and are left
out. After K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), whose example is in the tests.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import permutations


def alpha(units: Sequence[Sequence[int]]) -> float | None:
    """Returns alpha for the grades that each unit got; None if all grades are the same, which shows nothing."""
    together = _coincidences(units)
    totals = defaultdict[int, float](float)
    for (one, _), weight in together.items():
        totals[one] += weight
    expected = sum(totals[a] * totals[b] * _distance(a, b, totals) for a, b in permutations(totals, 2))
    if not expected:
        return None
    observed = sum(weight * _distance(a, b, totals) for (a, b), weight in together.items())
    return 1 - (sum(totals.values()) - 1) * observed / expected


def _coincidences(units: Sequence[Sequence[int]]) -> Mapping[tuple[int, int], float]:
    """Returns how often two grades met in a unit; all grades of a unit count as much as it has grades."""
    found = defaultdict[tuple[int, int], float](float)
    for grades in units:
        if len(grades) < 2:
            continue
        for pair in permutations(grades, 2):
            found[pair] += 1 / (len(grades) - 1)
    return found


def _distance(one: int, other: int, totals: Mapping[int, float]) -> float:
    """Returns how far two grades are apart: by how many grades were given between them."""
    low, high = sorted((one, other))
    between = sum(total for grade, total in totals.items() if low <= grade <= high)
    return float((between - (totals[one] + totals[other]) / 2) ** 2)
