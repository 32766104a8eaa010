"""What was found out and stays true until something that it depends on changes: all that is kept from one look at a
project to the next, so that git is not asked, nor a file parsed, about what is as it was."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar

_T = TypeVar("_T")
MOST: Final = 4096
KNOWN: Final[dict[Hashable, tuple[object, Any]]] = {}
"""By question: the stamp with which its answer was remembered, and the answer."""


def known_answer(question: Hashable, stamp: object) -> Any | None:
    """Returns the answer to the question that was remembered with the same stamp; None if there is none."""
    stamp_then, answer = KNOWN.get(question, (None, None))
    return answer if stamp_then == stamp else None


def find_once(question: Hashable, stamp: object, find: Callable[[], _T]) -> _T:
    """Returns the answer to the question; it is found out only if it is not remembered with the same stamp."""
    known: _T | None = known_answer(question, stamp)
    if known is None:
        known = find()
        remember(question, stamp, known)
    return known


def remember(question: Hashable, stamp: object, answer: Any) -> None:
    """Remembers an answer in place of earlier ones. `stamp`: the state of what it depends on, taken before it was found
    out; nothing is remembered with None, which is for what may change unseen."""
    if stamp is None:
        return
    if len(KNOWN) >= MOST:
        KNOWN.clear()
    KNOWN[question] = stamp, answer
