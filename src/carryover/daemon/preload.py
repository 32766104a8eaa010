"""Loads what a daemon may ever need, so that no upgrade can mix two versions of the program in one process.

An upgrade replaces the files under a daemon that runs. What it had not loaded by then, it would take from the new
version, or not find at all: modules that are loaded late, since commands that start often can do without them.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Final

import carryover
from carryover.probe import git_command

NOT_OURS: Final = ("carryover.cli", "carryover.install")
"""Packages that no daemon uses."""


def load_all() -> None:
    """Takes some 80 ms, nearly all of it for GitPython, which the first handoff would load anyway. Blocks."""
    for found in pkgutil.iter_modules(carryover.__path__, "carryover."):
        if found.name not in NOT_OURS:
            _load(found.name, package=found.ispkg)
    git_command.available()


def _load(name: str, *, package: bool) -> None:
    module = importlib.import_module(name)
    if package:
        for found in pkgutil.iter_modules(module.__path__, f"{name}."):
            _load(found.name, package=found.ispkg)
