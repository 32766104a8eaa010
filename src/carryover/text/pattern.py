"""Regular expressions that are compiled on first use: compiling all of them takes as long as the rest of a command,
and most commands need few."""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast


class _Later:
    def __init__(self, source: str | bytes, flags: int) -> None:
        self._source = source
        self._flags = flags

    def __getattr__(self, method: str) -> Any:
        bound = getattr(re.compile(self._source, self._flags), method)
        setattr(self, method, bound)
        return bound


def later(source: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Returns the pattern of `source`, compiled when one of its methods is first used; from then on that method is
    called directly."""
    return cast("re.Pattern[AnyStr]", _Later(source, flags))
