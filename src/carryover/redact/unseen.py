"""Finds the characters that split a secret unseen, as themselves or as JSON and JavaScript write them (`\\u200b`), and
the colours of a terminal, which part a name from its value."""

from __future__ import annotations

import re
from typing import Final

from carryover.records.text import without_ansi
from carryover.text.harmless import without_unseen
from carryover.text.pattern import later

_SIGNS: Final = (
    "\u200b\u200d\u2060\ufeff\u00ad\u200c\u200e\u200f\u2061\u2062\u2063\u2064\u180e\u034f"
    "\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
"""The characters that editors, web pages and messengers put into words unseen."""
_CODES: Final = r"u(?:00[aA][dD]|034[fF]|180[eE]|200[b-fB-F]|20(?:2[a-eA-E]|6[0-9a-fA-F])|[fF][eE][fF]{2})"
_BLANKS: Final = "\u00a0\u2007\u202f\u3000"
"""The blanks that web pages and Word put around a value, which the patterns take for the end of it."""
_UNSEEN: Final = later(f"[{_SIGNS}{_BLANKS}]")
_ESCAPED: Final = later(rf"\\{_CODES}")
_ESCAPES: Final = later(rf"\\{{1,8}}{_CODES}")
_SHIFTS: Final = ("\x0e", "\x0f")
"""With them some terminals end what is bold or coloured."""
_NULS: Final = ("\x00", "\\u0000")
_WIDE: Final = later(r"(?:[^\x00](?:\x00|\\u0000)){4,}")
"""UTF-16 that was read as UTF-8, such as a file that PowerShell wrote; elsewhere, NULs stand between words."""
_REST: Final = later(rf"(\[redacted:[\w-]{{1,32}}\])(?:(?:\\{{1,8}}{_CODES}|[{_SIGNS}])+[\w+/=.~!@#$%^&*-]{{1,400}})+")


def has_unseen(text: str) -> bool:
    """Whether there is such a character in `text`, or a colour."""
    if not text.isascii() and _UNSEEN.search(text) is not None:
        return True
    if "\\u" in text and _ESCAPED.search(text) is not None:
        return True
    if any(nul in text for nul in _NULS) and _WIDE.search(text) is not None:
        return True
    return without_ansi(text) != text


def without(text: str) -> str:
    """Returns `text` without such characters, and without colours."""
    plain = without_ansi(_WIDE.sub(_narrow, text) if any(nul in text for nul in _NULS) else text)
    for shift in _SHIFTS:
        plain = plain.replace(shift, "")
    for blank in () if plain.isascii() else _BLANKS:
        plain = plain.replace(blank, " ")
    return without_unseen(_ESCAPES.sub("", plain) if "\\u" in plain else plain)


def _narrow(wide: re.Match[str]) -> str:
    return wide[0].replace("\x00", "").replace("\\u0000", "")


def without_rests(text: str) -> str:
    """Returns `text` without what such a character kept from being hidden together with the beginning of a secret."""
    return _REST.sub(r"\1", text)
