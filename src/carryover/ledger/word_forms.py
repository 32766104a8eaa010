"""The other forms that an English word may have in a text. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from carryover.text.pattern import later

SHORTEST: Final = 4
"""Shorter words have no other forms here, and no typos."""
_ENDINGS: Final = ("", "s", "es", "ed", "er", "ers", "ing", "ings", "ment", "ments", "ion", "ions", "able")
_AFTER_E: Final = ("e", "es", "ed", "er", "ers", "ing", "ings", "ement", "ements", "ion", "ions", "able")
_AFTER_Y: Final = ("y", "ies", "ied", "ier", "iers", "ying")
_PLAIN: Final = later(r"[a-z]{4,40}")
_ENDING: Final = later(r"(?:ings?|ed|ers?|es|s|ements?|ments?|ions?|able|e)\Z")
_Y_ENDING: Final = later(r"(?:y|ies|ied|iers?|ying)\Z")
_DOUBLED: Final = later(r"([bdgklmnprt])\1\Z")
_VOWEL: Final = later(r"[aeiouy]")


def forms_of(word: str) -> tuple[str, ...]:
    """Returns words that may be other forms of an English one, without it: some of them are no words. None for a name
    with a capital or a digit in it."""
    if not _PLAIN.fullmatch(word):
        return ()
    found: dict[str, None] = {}
    for base in _bases(word):
        _add(found, base, _ENDINGS)
        _add(found, base, _AFTER_E)
        if not _VOWEL.fullmatch(base[-1]):
            _add(found, base + base[-1], ("ed", "er", "ers", "ing", "ings"))
        single = _DOUBLED.sub(r"\1", base)
        if single != base:
            _add(found, single, _ENDINGS)
    before_y = _Y_ENDING.sub("", word)
    if before_y != word:
        _add(found, before_y, _AFTER_Y)
    found.pop(word, None)
    return tuple(found)


def _bases(word: str) -> Iterable[str]:
    """Yields the word and what is before its ending, if that may be a word: it has a vowel and does not end in e."""
    for base in dict.fromkeys((word, _ENDING.sub("", word))):
        if len(base) >= SHORTEST - 1 and _VOWEL.search(base) and not base.endswith("e"):
            yield base


def _add(found: dict[str, None], base: str, endings: Iterable[str]) -> None:
    found.update(dict.fromkeys(base + ending for ending in endings))
