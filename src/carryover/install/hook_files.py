"""The files that may hold an agent's hooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from carryover.adapter.spec import AgentSpec, Place, places_on
from carryover.configedit.hook import Form


@dataclass(frozen=True, slots=True)
class HookFile:
    """A settings file, which need not exist, and how hooks are laid out in it."""

    path: Path
    form: Form


def hook_files(spec: AgentSpec, platform: str, located: Callable[[Place], Path]) -> Iterator[HookFile]:
    """Every file that may hold hooks of an agent; `located` says where a place is."""
    for place in places_on(spec.hooks.config_files, platform):
        yield HookFile(located(place), spec.hooks.form)
    if spec.hooks.tables is not None:
        yield HookFile(located(spec.hooks.tables), "tables")
