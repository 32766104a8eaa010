"""Whether a text can be shown: nothing in it that a terminal obeys, hides or reorders."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_STYLE: Final = re.compile(r"\x1b\[[\d;]*m")
_DIRECTIONS: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def assert_shown(text: str, *, breaks: bool = True, styled: bool = False) -> None:
    """Fails if there is a control character, a line end (unless `breaks`), a tag, a direction mark or a surrogate."""
    plain = _STYLE.sub("", text) if styled else text
    allowed = "\n\t\u2028\u2029" if breaks else "\t"
    obeyed = [sign for sign in plain if unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") and sign not in allowed]
    hidden = [sign for sign in plain if sign in _DIRECTIONS or 0xE0000 <= ord(sign) < 0xE0100]
    assert (obeyed, hidden) == ([], [])
