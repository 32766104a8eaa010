"""The two sessions that `carryover.cli.demo` replays, and how tests call `carryover` on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

DISCOUNT: Final = "c0de0000-0000-4000-8000-000000000001"
CHECKOUT: Final = "c0de0000-0000-4000-8000-000000000012"
"""The newest session."""

Run = Callable[..., tuple[int, str, str]]
"""Calls `carryover` with the given arguments: exit code, standard output, standard error."""
