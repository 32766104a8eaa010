"""What `make fuzz` gives bytes to: the modules of `fuzz.targets`, whose docstrings say what must hold for any bytes.

`check(data, folder)` raises if it does not hold; `folder` is empty at first and the target's own. `seeds()` yields
bytes to begin with: synthetic ones, or recordings that are in the project. `LARGEST` is how many bytes are tried.

The functions of a module in `PER_AGENT` take an agent's id first: it is a target for each, such as `agent_files.codex`.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Final, NamedTuple

import fuzz.targets
from carryover.agents import agent_ids

PER_AGENT: Final = ("agent_files",)


class Target(NamedTuple):
    """A target. `seeds` is called once per run."""

    name: str
    check: Callable[[bytes, Path], None]
    seeds: Callable[[], Iterable[bytes]]
    largest: int


def names() -> list[str]:
    """Returns the names of all targets."""
    modules = {module.name for module in pkgutil.iter_modules(fuzz.targets.__path__)}
    per_agent = {f"{module}.{agent_id}" for module in PER_AGENT for agent_id in agent_ids()}
    return sorted(modules - {*PER_AGENT} | per_agent)


def target(name: str) -> Target:
    """Imports a target, and with it all that it tries."""
    module_name, _, agent_id = name.partition(".")
    module = import_module(f"fuzz.targets.{module_name}")
    check, seeds = module.check, module.seeds
    if agent_id:
        check, seeds = partial(check, agent_id), partial(seeds, agent_id)
    return Target(name, check, seeds, module.LARGEST)
