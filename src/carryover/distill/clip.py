"""Limits text by characters, and by an estimate of tokens that works for any script."""

from __future__ import annotations

import re
from typing import Final

_ELLIPSIS: Final = "…"
_NOT_WIDE: Final = re.compile("[\x00-\u2e7f]+")


def estimated_tokens(text: str) -> int:
    """Returns roughly the tokens a model counts: one per 4 ASCII characters, 2 other letters or 1 wide character."""
    if text.isascii():  # nearly always the case, and a hundred times as fast
        return (len(text) + 3) // 4
    wide = len(_NOT_WIDE.sub("", text))
    middle = len(text) - len(text.encode("ascii", "ignore")) - wide
    return wide + (middle + 1) // 2 + (len(text) - wide - middle + 3) // 4


def clip(text: str, *, chars: int, tokens: int | None = None) -> str:
    """Returns `text` cut at its end, between words if possible, so that it stays within both limits."""
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
    """Returns the length of the longest prefix of `text` with at most `tokens` estimated tokens, ellipsis included."""
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
    """Returns `text` with its middle left out: the end of an answer matters most, then its beginning."""
    if len(text) <= chars:
        return text
    tail = int(chars * tail_share)
    return f"{text[: chars - tail - 3].rstrip()}\n{_ELLIPSIS}\n{text[-tail:].lstrip()}"
