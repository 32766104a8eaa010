"""Has agents in another folder count among Carryover's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from carryover import agents


@contextmanager
def also_agents_in(folder: Path) -> Iterator[None]:
    """The agents in `folder` are known while the block lasts."""
    agents.__path__.append(str(folder))
    _look_again()
    try:
        yield
    finally:
        agents.__path__.remove(str(folder))
        _look_again()


def _look_again() -> None:
    for function in vars(agents).values():
        if hasattr(function, "cache_clear"):
            function.cache_clear()
