"""Shows a long line only once, even if several quotes contain it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from carryover.distill.entry import Entry
from carryover.distill.quotes import BESIDE, LINE_BREAK
from carryover.text.pattern import later

_SHORTEST: Final = 40
_BETWEEN: Final = rf"{LINE_BREAK}|{re.escape(BESIDE)}"
_JOINT: Final = later(rf"({_BETWEEN})")
_GAPS: Final = later(rf"…(?:(?:{_BETWEEN})…)+")
_LEVELS: Final = {"message": 1, "plan": 2, "summary": 2, "job": 3, "call": 3}
"""Whose lines give way to whose. Others, such as the user's words, stay as they are."""
_SPOKEN: Final = 1
_WHOLE: Final = ("Next action", "Open questions")


_Spot = tuple[str, int]
"""Where an entry stands: the title of its section, and its place there."""


def without_repeats(sections: Sequence[tuple[str, Sequence[Entry]]]) -> list[tuple[str, list[Entry]]]:
    """Returns the sections, by title, with each long line in one place and `…` in the others. It stays where it is
    fixed, and what an agent said in its newest place. Repetitions within one quote stay. An entry of which nothing is
    left is left out."""
    found = {(title, at): entry for title, entries in sections for at, entry in enumerate(entries)}
    owners: dict[str, _Spot] = {}
    levels = {spot: _level(spot, entry) for spot, entry in found.items()}
    for spot in sorted(found, key=lambda spot: (*_precedence(levels[spot], found[spot]), spot)):
        entry, level = found[spot], levels[spot]
        is_joint = LINE_BREAK in entry.text or BESIDE in entry.text
        lines = _JOINT.split(entry.text) if is_joint else [entry.text]
        for at, line in enumerate(lines):
            is_name = is_joint and entry.kind == "call" and line.startswith("`")  # of what was run
            stays = at == 0 and (is_name or entry.members)  # the others of a line have their turn before their words
            owner = owners.setdefault(line, spot) if len(line) >= _SHORTEST and not stays else spot
            if owner is not spot and level > 0 and found[owner].quote != entry.quote:
                lines[at] = "…"
        text = "".join(lines)
        text = _GAPS.sub("…", text) if "…" in text else text
        found[spot] = entry if text == entry.text else replace(entry, text=text)
    return [
        (title, [entry for at in range(len(entries)) if not _is_gone(entry := found[title, at])])
        for title, entries in sections
    ]


def _level(spot: _Spot, entry: Entry) -> int:
    return 0 if spot[0] in _WHOLE else _LEVELS.get(entry.kind, 0)


def _precedence(level: int, entry: Entry) -> tuple[int, bool, int]:
    return level, entry.rank is None, -entry.at_ms if level <= _SPOKEN else 0


def _is_gone(entry: Entry) -> bool:
    """Whether nothing is left of a quote; that a call was made says something without what it printed."""
    return entry.text == "…" and (entry.kind != "call" or entry.part > 0)
