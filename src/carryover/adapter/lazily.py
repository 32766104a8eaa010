"""Defers the import of a function until its first call."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any


def lazily(module: str, name: str) -> Callable[..., Any]:
    """Returns the function `name` of `module`, imported on its first call.

    `status` only asks an agent for its roots, which takes a quarter of the time this way.
    """

    @cache
    def found() -> Callable[..., Any]:
        function: Callable[..., Any] = getattr(import_module(module), name)
        return function

    return lambda *args: found()(*args)
