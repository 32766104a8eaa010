"""Does the same for several things at once, in threads. `concurrent.futures` would load `logging` for that, which takes
as long as a question to git."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

_Item = TypeVar("_Item")
_T = TypeVar("_T")


def at_once(do: Callable[[_Item], _T], items: Sequence[_Item], *, most: int) -> list[_T]:
    """Returns what `do` returns for each of `items`, in their order, in at most that many threads. Raises what it
    raises, once all threads have ended."""
    done: dict[int, _T] = {}
    failed: list[BaseException] = []

    def work(first: int) -> None:
        try:
            for place in range(first, len(items), most):
                done[place] = do(items[place])
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(first,)) for first in range(min(most, len(items)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in failed:
        raise error
    return [done[place] for place in range(len(items))]
