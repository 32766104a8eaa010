"""What agents' settings mean for Carryover, as several agents say it. See `AgentSpec.user_settings`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from carryover.adapter.spec import OnMachine, Place, UserSetting


def value_of(settings: Mapping[str, Any], *key: str) -> Any:
    """Returns the value at a path of keys; None if it is absent."""
    node: Any = settings
    for name in key:
        node = node.get(name) if isinstance(node, Mapping) else None
    return node


def off_by(file: Place, *keys: tuple[str, ...], value: bool) -> Callable[[OnMachine], Iterator[UserSetting]]:
    """Returns a function that yields which of the settings at these paths of keys switches all hooks off, as it has
    that value."""

    def settings(agent: OnMachine) -> Iterator[UserSetting]:
        values = agent.values(file)
        for key in keys:
            if value_of(values, *key) is value:
                yield UserSetting(kind="off", by=".".join(key) + ("" if value else " = false"), at=agent.located(file))

    return settings
