"""The subjects of a text, by which two texts are about the same thing: words of more than three letters, and of a wide
script the pairs of signs or the stems."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from carryover.text.pattern import later

_NAME: Final = later(r"[A-Za-z_]\w{3,}", re.ASCII)
_WIDE: Final = later(r"[\u30a0-\u30ff]{2,}|[\u4e00-\u9fff]{2,}|[\uac00-\ud7af]{2,}|[^\W\da-zA-Z_\u2e80-\ud7af]{4,}")
_STEM: Final = 6
_STEM_OF_SYLLABLES: Final = 3
"""How many letters of a non-ASCII word its inflected forms share."""


@lru_cache(maxsize=512)  # every handoff examines the same turns again
def subjects_in(text: str) -> frozenset[str]:
    """Returns the subjects of `text`, in lower case."""
    plain = text.casefold()
    names = {part for part in _NAME.findall(plain) if len(part) > 3}
    if plain.isascii():
        return frozenset(names)
    for run in _WIDE.findall(plain):
        if "\u4e00" <= run[0] <= "\u9fff":
            names.update(run[at : at + 2] for at in range(len(run) - 1))
        else:
            stem = _STEM_OF_SYLLABLES if run[0] >= "\uac00" else _STEM
            names.add(run[:stem])
    return frozenset(names)
