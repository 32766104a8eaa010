"""Where hooks are in an agent's JSON settings. The layouts: `carryover.edits.json_hooks`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from carryover.edits.hooks import Form, Hook, hook_of
from carryover.edits.json_document import Container, inside, read

HOOKS: Final = "hooks"

Levels = tuple[tuple[Container, int, str], ...]

_UNGROUPED: Final[tuple[Form, ...]] = ("flat", "plain")
"""Forms in which an event's list holds the hooks themselves."""


class HookPlace(msgspec.Struct, frozen=True):
    """The position of a command hook: on each level the container, the index of the item in it, and its name.

    The levels are the document, its events, an event's entries and, where these are groups, a group's commands.
    """

    hook: Hook
    at: int
    path: Levels

    @property
    def group(self) -> int:
        """The index of its entry among those of the event."""
        return self.path[2][1]

    @property
    def number(self) -> int:
        """Its index in the group; 0 where there are no groups."""
        return self.path[3][1] if len(self.path) > 3 else 0

    @property
    def alone(self) -> bool:
        """Whether its group holds nothing else."""
        return len(self.path) < 4 or len(self.path[3][0].items) == 1


def hook_places(text: str, form: Form) -> Iterator[HookPlace]:
    """Every command hook, in the order of the text. Anything with another layout is skipped."""
    root = read(text)
    for at_hooks, hooks in enumerate(root.items):
        if hooks.key != HOOKS or not isinstance(hooks.value, dict):
            continue
        events = inside(text, hooks.value_start)
        for at_event, event in enumerate(events.items):
            if not isinstance(event.value, list):
                continue
            above = ((root, at_hooks, HOOKS), (events, at_event, f"{HOOKS}.{event.key}"))
            entries = inside(text, event.value_start)
            if form in _UNGROUPED:
                yield from _flat(entries, event.key or "", above)
            else:
                yield from _nested(text, entries, event.key or "", above)


def _flat(entries: Container, event: str, above: Levels) -> Iterator[HookPlace]:
    for number, item in enumerate(entries.items):
        matcher = item.value.get("matcher") if isinstance(item.value, dict) else None
        if (hook := hook_of(event, matcher, item.value)) is not None:
            yield HookPlace(hook, item.start, (*above, (entries, number, "")))


def _nested(text: str, groups: Container, event: str, above: Levels) -> Iterator[HookPlace]:
    for at_group, group in enumerate(groups.items):
        if not isinstance(group.value, dict):
            continue
        for member in inside(text, group.value_start).items:
            if member.key != HOOKS or not isinstance(member.value, list):
                continue
            commands = inside(text, member.value_start)
            for number, item in enumerate(commands.items):
                if (hook := hook_of(event, group.value.get("matcher"), item.value)) is not None:
                    yield HookPlace(hook, item.start, (*above, (groups, at_group, ""), (commands, number, "")))


def count_hooks(text: str, form: Form) -> int:
    """The number of hooks, of any kind."""
    events = [item.value for item in read(text).items if item.key == HOOKS and isinstance(item.value, dict)]
    entries = [
        entry for event in events for entries in event.values() if isinstance(entries, list) for entry in entries
    ]
    if form in _UNGROUPED:
        return len(entries)
    groups = [entry.get(HOOKS) for entry in entries if isinstance(entry, dict)]
    return sum(len(handlers) for handlers in groups if isinstance(handlers, list))
