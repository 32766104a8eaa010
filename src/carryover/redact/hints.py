"""Tells which of many fixed texts stand in another one, by one search: one for each takes twice as long."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from carryover.text.pattern import later

_ANCHORS: Final = "Hqz<F=S(wkbf:h/plrs"
"""Signs of which nearly every hint has one, those first that are rarest in what agents read and write."""
_AROUND: Final = 3
"""How many signs on either side of it are searched for with it: with more, the pattern takes long to compile."""
_SHORT_CHARS: Final = 256
"""Shorter texts, such as those of a command that prints a few lines, are not worth compiling the pattern for; once a
longer text has had it compiled, it is faster for them too."""


def finder(hints: Iterable[str]) -> Callable[[str], set[str]]:
    """Returns a function that tells which of `hints` stand in a text."""
    every = frozenset(hints)
    signs = {hint for hint in every if len(hint) == 1}
    by_anchor: dict[str, dict[str, int]] = {}
    by_pair: dict[str, list[tuple[str, int]]] = {}  # by an anchor and the sign behind it, if there is one
    for hint in every - signs:
        anchor = next((sign for sign in _ANCHORS if sign in hint), hint[0])
        at = hint.index(anchor)
        by_anchor.setdefault(anchor, {})[hint] = at
        by_pair.setdefault(hint[at : at + 2], []).append((hint, at))
    anywhere = later("|".join(_around(anchor, each) for anchor, each in sorted(by_anchor.items())))

    is_compiled = False

    def find(text: str) -> set[str]:
        nonlocal is_compiled
        if len(text) < _SHORT_CHARS and not is_compiled:
            return {hint for hint in every if hint in text}
        is_compiled = True
        found = {sign for sign in signs if sign in text}
        for match in anywhere.finditer(text):
            start = match.start()
            for begun in {text[start], text[start : start + 2]}:
                found.update(hint for hint, at in by_pair.get(begun, ()) if text.startswith(hint, start - at))
        return found

    return find


def _around(anchor: str, hints: dict[str, int]) -> str:
    """Returns a pattern for `anchor` where one of `hints` may be around it. What is around it is not taken up, since it
    may belong to another hint."""
    seen = {(hint[max(0, at - _AROUND) : at + 1], hint[at + 1 : at + 1 + _AROUND]) for hint, at in hints.items()}
    ways = (f"{re.escape(behind)}(?<={re.escape(before + behind)})" for before, behind in sorted(seen))
    return f"{re.escape(anchor)}(?={'|'.join(ways)})"
