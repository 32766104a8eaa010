"""Functions that are imported when they are first called."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any


def lazily(module: str, name: str) -> Callable[..., Any]:
    """Returns the function `name` of `module`. `status` asks an agent for its roots only, at a quarter of the cost."""
    return lambda *args: getattr(import_module(module), name)(*args)
