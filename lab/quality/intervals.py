"""The uncertainty of means. Repositories are drawn again, not cuts: those of one repository are alike."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Final

_DRAWS: Final = 1000


def interval(by_repository: Mapping[str, Sequence[float]], seed: int) -> tuple[float, float]:
    """Returns the bounds between which 95 % of the means lie when the repositories are drawn with replacement."""
    sums = [(sum(values), len(values)) for _, values in sorted(by_repository.items()) if values]
    drawn = random.Random(seed)
    means = []
    for _ in range(_DRAWS):
        sample = drawn.choices(sums, k=len(sums))
        means.append(sum(total for total, _ in sample) / sum(count for _, count in sample))
    means.sort()
    return means[int(0.025 * _DRAWS)], means[int(0.975 * _DRAWS) - 1]
