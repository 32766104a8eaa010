"""Bounding text: by characters, and by an estimate of tokens that holds in any script."""

from __future__ import annotations

import re
from typing import Final

_ELLIPSIS: Final = "…"
_NOT_WIDE: Final = re.compile("[\x00-\u2e7f]+")


def estimated_tokens(text: str) -> int:
    """About as many tokens as a model counts: 4 ASCII signs, 2 other alphabetic ones or 1 wide one each."""
    if text.isascii():  # nearly always, and a hundred times as fast
        return (len(text) + 3) // 4
    wide = len(_NOT_WIDE.sub("", text))
    middle = len(text) - len(text.encode("ascii", "ignore")) - wide
    return wide + (middle + 1) // 2 + (len(text) - wide - middle + 3) // 4


def clip(text: str, *, chars: int, tokens: int | None = None) -> str:
    """`text` cut at its end, at a word if there is one near, so that it keeps within both bounds."""
    limit = min(len(text), chars)
    if tokens is not None:
        limit = _fitting(text[:limit], tokens)
    if limit >= len(text):
        return text
    cut = text[: max(0, limit - 1)]
    space = cut.rfind(" ")
    if space > len(cut) * 0.7:
        cut = cut[:space]
    return cut.rstrip(" ,;:-–—(") + _ELLIPSIS


def _fitting(text: str, tokens: int) -> int:
    """Length of the longest beginning of `text` that is estimated at no more than `tokens`, ellipsis included."""
    if estimated_tokens(text) <= tokens:
        return len(text)
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if estimated_tokens(text[:middle]) <= tokens - 1:
            low = middle
        else:
            high = middle - 1
    return low + 1


def clip_middle(text: str, *, chars: int, tail_share: float = 0.6) -> str:
    """`text` with its middle left out: what is at the end of an answer matters most, then its beginning."""
    if len(text) <= chars:
        return text
    tail = int(chars * tail_share)
    return f"{text[: chars - tail - 3].rstrip()}\n{_ELLIPSIS}\n{text[-tail:].lstrip()}"
