"""Regular expressions that are compiled when a text first needs them. All of them would take a fifth of the time that a
command at a prompt has; an ordinary handoff needs a dozen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

Found = re.Match[str] | None


class Pattern:
    """A regular expression with the methods of `re.Pattern`. After the first use a method is called directly."""

    def __init__(self, source: str, flags: int = 0) -> None:
        self._source = source
        self._flags = flags

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self._source, self._flags)

    @cached_property
    def match(self) -> Callable[..., Found]:
        return self._compiled.match

    @cached_property
    def search(self) -> Callable[..., Found]:
        return self._compiled.search

    @cached_property
    def fullmatch(self) -> Callable[..., Found]:
        return self._compiled.fullmatch

    @cached_property
    def finditer(self) -> Callable[..., Iterator[re.Match[str]]]:
        return self._compiled.finditer

    @cached_property
    def findall(self) -> Callable[..., list[Any]]:
        return self._compiled.findall

    @cached_property
    def sub(self) -> Callable[..., str]:
        return self._compiled.sub
