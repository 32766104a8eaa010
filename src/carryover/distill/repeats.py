"""Shows a long line only once, even if several quotes contain it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

from msgspec.structs import replace

from carryover.distill.entry import Entry
from carryover.distill.quotes import BESIDE, LINE_BREAK
from carryover.text.pattern import later

_SHORTEST: Final = 40
_BETWEEN: Final = rf"{LINE_BREAK}|{re.escape(BESIDE)}"
_JOINT: Final = later(rf"({_BETWEEN})")
_GAPS: Final = later(rf"…(?:(?:{_BETWEEN})…)+")
_RANKS: Final = {"message": 1, "plan": 2, "summary": 2, "job": 3, "call": 3}
"""Whose lines give way to whose. Others, such as the user's words, stay as they are."""
_SPOKEN: Final = 1
_WHOLE: Final = ("Next action", "Open questions")


_Spot = tuple[str, int]
"""Where an entry stands: the title of its section, and its place there."""


def without_repeats(
    sections: Sequence[tuple[str, Sequence[Entry]]], shown: Collection[tuple[str, int]] = ()
) -> list[tuple[str, list[Entry]]]:
    """Returns the sections, by title, with each long line in one place and `…` in the others. A line that an agent
    said stays in its newest place and takes the lowest weight of all its places; a line that a call printed stays in
    the place with the lowest weight. Before that, it stays in one of the places in `shown`, by title and number in
    their section. Repetitions within one quote stay. An entry of which nothing is left is empty."""
    found = {(title, at): entry for title, entries in sections for at, entry in enumerate(entries)}
    owners: dict[str, _Spot] = {}
    ranks = {spot: _rank(spot, entry) for spot, entry in found.items()}
    for spot in sorted(found, key=lambda spot: (spot not in shown, *_precedence(ranks[spot], found[spot]), spot)):
        entry, rank = found[spot], ranks[spot]
        is_joint = LINE_BREAK in entry.text or BESIDE in entry.text
        lines = _JOINT.split(entry.text) if is_joint else [entry.text]
        for at, line in enumerate(lines):
            is_name = at == 0 and is_joint and entry.kind == "call" and line.startswith("`")  # of what was run
            owner = owners.setdefault(line, spot) if len(line) >= _SHORTEST and not is_name else spot
            if owner is not spot and rank > 0 and found[owner].quote != entry.quote:
                lines[at] = "…"
                if rank == _SPOKEN == ranks[owner]:
                    found[owner] = replace(found[owner], weight=min(found[owner].weight, entry.weight))
        text = "".join(lines)
        text = _GAPS.sub("…", text) if "…" in text else text
        found[spot] = entry if text == entry.text else replace(entry, text=text)
        if _is_gone(found[spot]):
            found[spot] = replace(entry, text="", label="")
    return [(title, [found[title, at] for at in range(len(entries))]) for title, entries in sections]


def _rank(spot: _Spot, entry: Entry) -> int:
    return 0 if spot[0] in _WHOLE else _RANKS.get(entry.kind, 0)


def _precedence(rank: int, entry: Entry) -> tuple[int, int, float]:
    return rank, -entry.at_ms if rank <= _SPOKEN else 0, entry.weight


def _is_gone(entry: Entry) -> bool:
    """Whether nothing is left of a quote; that a call was made says something without what it printed."""
    return entry.text == "…" and (entry.kind != "call" or entry.part > 0)
