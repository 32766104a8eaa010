"""Compares what was counted with the most that is allowed."""

from __future__ import annotations

from collections.abc import Mapping


def exceeding(counted: Mapping[str, Mapping[str, int]], most: Mapping[str, Mapping[str, int]]) -> list[str]:
    """What is above its limit, one sentence each; empty if nothing is. Prints everything that was counted.

    Raises KeyError for something that has no limit.
    """
    for name, counts in counted.items():
        print(f"{name}:", ", ".join(f"{n} {kind}" for kind, n in counts.items()))
    return [
        f"{name}: {n} {kind} instead of {most[name][kind]}; do with less, or raise the number in the table and say why"
        for name, counts in counted.items()
        for kind, n in counts.items()
        if n > most[name][kind]
    ]
