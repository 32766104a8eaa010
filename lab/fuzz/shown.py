"""Whether a text can be shown: nothing in it that a terminal obeys, hides or reorders."""

from __future__ import annotations

import unicodedata
from typing import Final

_DIRECTIONS: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def assert_shown(text: str, *, breaks: bool = True) -> None:
    """Fails if there is a control character, a line end (unless `breaks`), a tag, a direction mark or a surrogate."""
    allowed = "\n\t\u2028\u2029" if breaks else "\t"
    obeyed = [sign for sign in text if unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") and sign not in allowed]
    hidden = [sign for sign in text if sign in _DIRECTIONS or 0xE0000 <= ord(sign) < 0xE0100]
    assert (obeyed, hidden) == ([], [])
