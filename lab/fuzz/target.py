"""What `make fuzz` gives bytes to: the modules of `fuzz.targets`, whose docstrings say what must hold for any bytes.

`check(data, folder)` raises if it does not hold; `folder` is empty at first and the target's own. `seeds()` yields
bytes to begin with: synthetic ones, or recordings that are in the project. `LARGEST` is how many bytes are tried.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import fuzz.targets


class Target(NamedTuple):
    """A target. `seeds` is called once per run."""

    name: str
    check: Callable[[bytes, Path], None]
    seeds: Callable[[], Iterable[bytes]]
    largest: int


def names() -> list[str]:
    """Returns the names of all targets."""
    return sorted(module.name for module in pkgutil.iter_modules(fuzz.targets.__path__))


def target(name: str) -> Target:
    """Imports a target, and with it all that it tries."""
    module = import_module(f"fuzz.targets.{name}")
    return Target(name, module.check, module.seeds, module.LARGEST)
