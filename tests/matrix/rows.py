"""Which agents hand over to which: each gives, takes and passes on, in few rows for any number of agents."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from matrix.tool import ENDINGS, Ending

Pair = tuple[str, str]
Has = Callable[[str, Ending], bool]
"""Whether a client, by its agent's id, has an ending."""


def pairs_by_ending(ids: Sequence[str], has: Has, *, turned: int = 0) -> list[tuple[str, str, Ending]]:
    """Every pair; each client gives by every ending that it has and takes after every ending.

    The ending goes by the distance from giver to taker, `turned` by some steps. Where there are fewer clients than
    endings, the pairs come again; an ending that the giver lacks becomes "closed".
    """
    rows = set()
    for distance in range(max(len(ids), len(ENDINGS))):
        ending = ENDINGS[(distance + turned) % len(ENDINGS)]
        for at, giver in enumerate(ids):
            rows.add((giver, ids[(at + distance) % len(ids)], ending if has(giver, ending) else "closed"))
    return sorted(rows)


def ring(ids: Sequence[str], givers: Collection[str], takers: Collection[str]) -> list[Pair]:
    """Each giver with the next taker; then each client that is both with itself."""
    onward = [(giver, _next(ids, at, takers)) for at, giver in enumerate(ids) if giver in givers]
    return list(dict.fromkeys([*onward, *((each, each) for each in ids if each in givers and each in takers)]))


def chains(ids: Sequence[str], middles: Collection[str]) -> list[tuple[str, str, str]]:
    """Rows of three: each client gives in one and takes in one; each that may be in the middle is there in one."""
    return [(giver, _next(ids, at, middles), ids[(at + 2) % len(ids)]) for at, giver in enumerate(ids)]


def _next(ids: Sequence[str], at: int, among: Collection[str]) -> str:
    """The first of `among` after the place `at`, around the ring."""
    return next(each for each in (*ids[at + 1 :], *ids[: at + 1]) if each in among)
