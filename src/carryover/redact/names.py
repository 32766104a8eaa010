"""Which names that may have a secret for their value a text holds at all."""

from __future__ import annotations

import re
from typing import Final

_UPPER: Final = re.compile("[A-Z]+")
_BY_COMMON_PART: Final = (
    # A pattern that begins with a single letter is found faster than a text.
    (re.compile("p(?:ass|at|wd)"), ("pass", "pat", "pwd")),
    (re.compile("k(?:ey|en|ie)"), ("key", "token", "cookie")),
    (re.compile("cre[dt]"), ("credential", "secret")),
    (re.compile("b(?:earer)"), ("bearer",)),
    (re.compile("auth"), ("auth",)),
)
NAMES: Final = frozenset(name for _, names in _BY_COMMON_PART for name in names)
"""In lower case; each rule that looks for a name looks for one that holds one of these."""


def lowered(text: str) -> str:
    """`text` in lower case with every character in its place (`str.lower` makes two of some, such as `İ`)."""
    lower = text.lower()
    return lower if len(lower) == len(text) else _UPPER.sub(lambda match: match[0].lower(), text)


def names_in(lower: str) -> frozenset[str]:
    """Those of `NAMES` that are in a text in lower case."""
    return frozenset([name for part, names in _BY_COMMON_PART if part.search(lower) for name in names if name in lower])
