"""Recognises tokens of unknown issuers: a prefix, a separator, and a long random rest.

Ids look the same. So the rest must be longer than an id's, unless the prefix marks it as secret, and must not be a
hash.
"""

from __future__ import annotations

import re
from typing import Final

from carryover.redact.dummy_values import alternations, is_scrambled

PREFIXED: Final = re.compile(
    r"(?<![A-Za-z0-9_.+/%$@-])(?!sha\d|md5)[A-Za-z][A-Za-z0-9]{1,15}(?:[_-][a-z0-9]{1,8}){0,3}?[_-]"
    r"([A-Za-z0-9_-]{20,200}+(?:\.[A-Za-z0-9_-]{20,64}+)?)"
    r"(?![A-Za-z0-9/@+%_-]|\.[A-Za-z0-9])"
)
LONG_REST: Final = re.compile(r"[_-](?=[A-Za-z0-9_-]{20})(?=[A-Za-z_-]{0,64}\d)")
"""Occurs in every token that `PREFIXED` finds and is quicker to search for."""
_SECRET_PREFIX: Final = re.compile(r"(?:[a-z0-9]{1,8}[_-]){0,3}?(?:sk|sec|secret|token|key|apikey|pat|oauth|live)[_-]")
_MORE_PREFIX: Final = re.compile(r"(?:[a-z0-9]{1,8}[_-])*")
_WORD: Final = re.compile(r"[A-Za-z][a-z]{4,}")
_HASH: Final = re.compile(r"[0-9a-fA-F_-]+")


def is_prefixed_token(match: re.Match[str]) -> bool:
    """Whether a match of `PREFIXED` is a token."""
    body = match[1][:256]
    if _SECRET_PREFIX.match(match[0]):
        return is_scrambled(body, 20)
    prefix = _MORE_PREFIX.match(body)
    body = body[prefix.end() :] if prefix else body
    if _HASH.fullmatch(body) or sum(sign.isdigit() for sign in body) < 2:
        return False
    if body in (body.lower(), body.upper()):
        return len(body) >= 40 and alternations(body) >= len(body) * 0.2
    in_words = sum(map(len, _WORD.findall(body)))
    return len(body) >= 30 and alternations(body) >= len(body) * 0.38 and in_words < len(body) * 0.4
