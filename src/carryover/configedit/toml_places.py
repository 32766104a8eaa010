"""Where the hooks stand in an agent's TOML settings. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from carryover.configedit.hook import Hook, hook_of
from carryover.configedit.json_document import Refused
from carryover.configedit.toml_arrays import Array, arrays
from carryover.configedit.toml_segments import Segment, segments

HOOKS: Final = "hooks"


class HookTable(msgspec.Struct, frozen=True):
    """Where a command hook stands: in tables, in an array, or (neither) in a way that nothing can be done about."""

    hook: Hook
    group: int
    number: int
    siblings: int
    """How many hooks its group has."""
    tables: tuple[Segment, ...] = ()
    """Those of its group, the group's own first; then one a hook, unless these are written into the group's."""
    array: Array | None = None
    """Of its event's groups."""

    @property
    def own(self) -> Segment | None:
        """The hook's own table."""
        return self.tables[self.number + 1] if len(self.tables) == self.siblings + 1 else None

    @property
    def at(self) -> int:
        if self.array is not None:
            return self.array.items[self.group][0]
        found = self.own or next(iter(self.tables), None)
        return found.start if found is not None else 0


def parsed(text: str) -> dict[str, Any]:
    """What the text says; fractions as text, since not-a-number does not equal itself.

    Raises:
        Refused: it is not TOML.
    """
    try:
        return tomllib.loads(text, parse_float=str)
    except (ValueError, RecursionError) as error:  # also for a number of thousands of digits
        raise Refused(f"it is not valid TOML: {error}") from error


def groups_of(settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each group with its event. What is no list under `hooks` is no event (`hooks.state`)."""
    hooks = settings.get(HOOKS)
    for event, groups in hooks.items() if isinstance(hooks, dict) else ():
        yield from ((event, group) for group in groups) if isinstance(groups, list) else ()


def handlers_of(group: Any) -> list[Any]:
    """The hooks of a group, of any kind."""
    found = group.get(HOOKS) if isinstance(group, dict) else None
    return found if isinstance(found, list) else []


def hook_tables(text: str) -> Iterator[HookTable]:
    """Every command hook, event by event.

    Raises:
        Refused: it is not TOML.
    """
    settings = parsed(text)
    tables, lists = _tables_of_groups(text), arrays(text)
    counts: dict[str, int] = {}
    for event, group in groups_of(settings):
        number = counts.get(event, 0)
        counts[event] = number + 1
        written = tables.get(event, [])
        handlers = handlers_of(group)
        for at, value in enumerate(handlers):
            matcher = group.get("matcher") if isinstance(group, dict) else None
            if (hook := hook_of(event, matcher, value)) is not None:
                own = written[number] if number < len(written) else ()
                yield HookTable(hook, number, at, len(handlers), own, lists.get((HOOKS, event)))


def _tables_of_groups(text: str) -> dict[str, list[tuple[Segment, ...]]]:
    """By event, the tables of each group: its own, then one a hook."""
    found: dict[str, list[tuple[Segment, ...]]] = {}
    for segment in segments(text):
        if not segment.array or segment.path[:1] != (HOOKS,):
            continue
        if len(segment.path) == 2:
            found.setdefault(segment.path[1], []).append((segment,))
        elif len(segment.path) == 3 and segment.path[2] == HOOKS and (groups := found.get(segment.path[1])):
            groups[-1] = (*groups[-1], segment)
    return found
