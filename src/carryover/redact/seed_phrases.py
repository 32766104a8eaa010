"""Finds the 12 to 24 words from which a wallet's keys are derived, if a word before them names them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from carryover.redact.values import Span
from carryover.text.pattern import later

_NEXT: Final = r"(?:[\s,|]|\\n){1,4}(?:\d{1,2}[.):]?\s{0,4})?"
_PHRASES: Final = {
    name: later(
        rf"{name}(?:[_ -]?(?:words?|phrase|key))?s?(?:[ \t](?:for|of)[^:\n]{{1,40}}(?=:))?"
        r"[^a-z]{0,12}(?:(?:is|was|are|to|\d\d words)\b[^a-z]{0,12})?"
        rf"(?P<words>[a-z]{{3,8}}(?:{_NEXT}[a-z]{{3,8}}){{11,23}})(?![a-z])"
    )
    for name in ("mnemonic", "seed", "phrase")
}
_IN_NO_PHRASE: Final = frozenset(
    "the and for are but not has was its our from with were been them which how who why than per via may should could"
    " would does did your their some set see only also".split()
)
"""Frequent words that the list of BIP 39 lacks: with one of them it is a sentence."""
_WORD: Final = later("[a-z]{3,8}")


def seed_phrases(_text: str, lower: str) -> Iterator[Span]:
    """Yields the spans of seed phrases in a text in lower case, whether in a row or as a numbered list."""
    for name, phrase in _PHRASES.items():
        for match in phrase.finditer(lower) if name in lower else ():
            if _IN_NO_PHRASE.isdisjoint(_WORD.findall(match["words"])):
                yield *match.span("words"), "seed-phrase"
