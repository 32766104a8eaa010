"""Compares what was counted with the most that is allowed."""

from __future__ import annotations

from collections.abc import Mapping


def exceeding(counted: Mapping[str, Mapping[str, int]], most: Mapping[str, Mapping[str, int]]) -> list[str]:
    """What is above its limit; empty if nothing is. Prints everything that was counted.

    Where a number grew for a good reason, raise it in the table, and say why in the commit. Raises KeyError for
    something that has no limit.
    """
    for name, counts in counted.items():
        print(f"{name}:", ", ".join(f"{n} {kind}" for kind, n in counts.items()))
    return [
        f"{name}: {n} {kind}, at most {most[name][kind]}"
        for name, counts in counted.items()
        for kind, n in counts.items()
        if n > most[name][kind]
    ]
