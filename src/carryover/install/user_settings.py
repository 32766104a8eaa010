"""Asks what the user's settings of an agent mean for Carryover (`AgentSpec.user_settings`). Reads files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from carryover.adapter.spec import AgentSpec, InstalledHook, OnMachine, Place, UserSetting
from carryover.fsio import read_if_there
from carryover.text.user_text import EditRefused

_LIMIT_BYTES: Final = 64 << 20


def user_settings(
    spec: AgentSpec,
    home: Path,
    moved: Mapping[str, str],
    *,
    version: tuple[int, ...] = (),
    hook: InstalledHook | None = None,
) -> Iterator[UserSetting]:
    """Yields what the user's settings of an agent mean, of the kind `review` for the `hook` alone. See `OnMachine`."""

    def located(place: Place) -> Path:
        return place.at(home, moved)

    if spec.user_settings is not None:
        agent = OnMachine(
            located=located, values=lambda place: _values(located(place)), moved=moved, version=version, hook=hook
        )
        yield from spec.user_settings(agent)


def _values(path: Path) -> Mapping[str, Any]:
    try:
        if (data := settings_bytes(path)) is None:
            return {}
        from carryover.edits.entries import settings_in  # with the editors of settings, which few commands need

        return settings_in(data, toml=path.suffix == ".toml")
    except (OSError, EditRefused):
        return {}


def settings_bytes(path: Path) -> bytes | None:
    """Returns the content of a settings file; None if it does not exist. Raises OSError."""
    return read_if_there(path, _LIMIT_BYTES)
