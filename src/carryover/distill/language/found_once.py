"""What is found out about a thing when it is first asked for, and kept with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

_Of = TypeVar("_Of")
_Found = TypeVar("_Found")


class found_once(Generic[_Of, _Found]):  # noqa: N801  it is used as a decorator
    """As `functools.cached_property`, without the lock that Python 3.11 takes there at each first use: twice the time
    of what most of these properties find out. The thing must stay with one thread."""

    def __init__(self, find: Callable[[_Of], _Found]) -> None:
        self._find = find
        self._name = find.__name__
        self.__doc__ = find.__doc__

    def __get__(self, of: _Of, owner: type[_Of] | None = None) -> _Found:
        found = of.__dict__[self._name] = self._find(of)
        return found
