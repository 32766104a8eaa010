"""Tells which of many fixed texts stand in another one, both in small letters: what patterns of secrets need there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from carryover.text.pattern import later

_ANCHORS: Final = "qz<=(wkbf:h/plrs"
"""Signs of which nearly every hint has one, those first that are rarest in what agents read and write."""
_COMMON: Final = frozenset(("ass", "pass", "key", "pat", "api", "send", "http", "auth", "sha"))
"""Hints that so many texts have that each is looked for by itself."""
_SHORT_CHARS: Final = 256
"""Shorter texts, such as those of a command that prints a few lines, are not worth compiling the patterns for; once a
longer text has had them compiled, they are faster for them too."""


class Looked(NamedTuple):
    """A text that was looked through for hints."""

    text: str
    lower: str
    """The same in small letters, each character in its place."""
    hints: frozenset[str]
    """The hints that are in `lower`."""


def looker(hints: Iterable[str]) -> Callable[[str], Looked]:
    """Returns a function that looks for `hints` in a text."""
    find = finder(hints)

    def look(text: str) -> Looked:
        lower = lowered(text)
        return Looked(text, lower, find(lower))

    return look


def lowered(text: str) -> str:
    """Returns `text` in small letters with each character in its place: of `İ` alone, `str.lower` makes two."""
    return "İ".join([part.lower() for part in text.split("İ")])


def finder(hints: Iterable[str]) -> Callable[[str], frozenset[str]]:
    """Returns a function that tells which of `hints` stand in a text."""
    every = frozenset(hints)
    alone = [hint for hint in every if len(hint) == 1 or hint in _COMMON]
    by_anchor: dict[str, list[str]] = {}
    for hint in every.difference(alone):
        by_anchor.setdefault(next((sign for sign in _ANCHORS if sign in hint), hint[0]), []).append(hint)
    # One for each anchor, since a pattern that begins with a fixed sign is searched for several times as fast.
    patterns = [(later(_any_around(anchor, its_hints)), its_hints) for anchor, its_hints in by_anchor.items()]
    ascii_only = [(pattern, its_hints) for pattern, its_hints in patterns if any(map(str.isascii, its_hints))]
    is_compiled = False

    def find(text: str) -> frozenset[str]:
        nonlocal is_compiled
        if len(text) < _SHORT_CHARS and not is_compiled:
            return frozenset([hint for hint in every if hint in text])
        is_compiled = True
        found = [hint for hint in alone if hint in text]
        for pattern, its_hints in ascii_only if text.isascii() else patterns:
            if pattern.search(text) is not None:
                found += [hint for hint in its_hints if hint in text]
        return frozenset(found)

    return find


def _any_around(anchor: str, hints: Iterable[str]) -> str:
    """Returns a pattern for `anchor` as the first one in any of `hints`."""
    parts = ((hint.partition(anchor)[0] + anchor, hint.partition(anchor)[2]) for hint in sorted(hints))
    ways = (f"{re.escape(behind)}(?<={re.escape(before + behind)})" for before, behind in parts)
    return f"{re.escape(anchor)}(?={'|'.join(ways)})"
