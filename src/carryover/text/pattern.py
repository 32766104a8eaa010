"""Regular expressions that are compiled when a text first needs them: all of them would take as long as the rest of a
command does, and most commands need a few."""

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
    """Returns the pattern of `source`. After the first use of one of its methods, that method is called directly."""
    return cast("re.Pattern[AnyStr]", _Later(source, flags))
