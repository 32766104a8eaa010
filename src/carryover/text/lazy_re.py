"""`re`, but a pattern is compiled when it is first used: `from carryover.text import lazy_re as re`.

More than 500 patterns are constants of modules. Compiling all took a third of what a command at a prompt costs, and
most commands use a few. A call of one that is used costs some 8 ns more.
"""

from __future__ import annotations

import re
from re import (
    ASCII,
    DOTALL,
    IGNORECASE,
    MULTILINE,
    I,
    M,
    Match,
    Pattern,
    S,
    escape,
    findall,
    finditer,
    fullmatch,
    match,
    search,
    split,
    sub,
)
from typing import Any, AnyStr, Final, cast

__all__ = [
    "ASCII",
    "DOTALL",
    "IGNORECASE",
    "MULTILINE",
    "I",
    "LazyPattern",
    "M",
    "Match",
    "Pattern",
    "S",
    "compile",
    "escape",
    "findall",
    "finditer",
    "fullmatch",
    "match",
    "search",
    "split",
    "sub",
]

_NAMES: Final = (
    *("search", "match", "fullmatch", "sub", "subn", "split", "findall", "finditer"),
    *("pattern", "flags", "groups", "groupindex"),
)


def compile(pattern: AnyStr, flags: int = 0) -> Pattern[AnyStr]:
    """As `re.compile`, whose errors are raised at the first use of the pattern.

    The functions of `re` don't take it in place of a pattern's text.
    """
    return cast("Pattern[AnyStr]", LazyPattern(pattern, flags))


class LazyPattern:
    """Has all that a compiled pattern has, from the first use of anything of it."""

    __slots__ = (*_NAMES, "_given")

    def __init__(self, pattern: str | bytes, flags: int) -> None:
        self._given = pattern, flags

    def __getattr__(self, name: str) -> Any:
        if name not in _NAMES:
            raise AttributeError(name)
        pattern, flags = self._given
        compiled: Pattern[Any] = re.compile(pattern, flags)
        for each in _NAMES:
            setattr(self, each, getattr(compiled, each))
        self.__class__ = _Compiled  # type: ignore[assignment]
        return getattr(self, name)


class _Compiled:
    """One that was used. It has no function to ask for further attributes, so what it has is found faster."""

    __slots__ = (*_NAMES, "_given")
