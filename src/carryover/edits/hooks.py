"""A hook in an agent's settings, and the state before ours was added. Independent of the settings' form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from carryover.edits.hook_command import Owner, OwnerOf

HOOKS: Final = "hooks"

Form = Literal["nested", "flat", "plain", "tables", "list", "server"]
"""The layout of hooks in settings.

`nested`, `flat` and `plain`: JSON, see `json_hooks`. `tables`: the nested layout in TOML, see `toml_hooks`. `list`: an
entry of a list in JSON instead of hooks, see `settings_list`. `server`: an entry in a list of MCP servers, see
`server_entry`; a file may contain one beside any other form.
"""

UNGROUPED: Final[tuple[Form, ...]] = ("flat", "plain")
"""Forms in which an event's list contains the hooks themselves."""


class HookFile(msgspec.Struct, frozen=True):
    """A settings file, which need not exist, and the layout of hooks in it. `key`: the list of a `server`."""

    path: Path
    form: Form
    key: str = ""


class Hook(msgspec.Struct, frozen=True, kw_only=True):
    """A hook as we write it."""

    event: str
    command: str
    name: str | None = None
    """The name that the agent shows while the hook runs; None writes none."""
    matcher: str | None = None
    """The event's matcher; None writes none."""
    timeout: int | None = None
    """Time limit in the unit of the agent's settings; None leaves the default."""


class FoundHook(msgspec.Struct, frozen=True, kw_only=True):
    """A command hook found in the settings; `hook` has the fields that we would write too."""

    hook: Hook
    owner: Owner
    group: int
    """Index of its group in the event."""
    number: int
    """Index in its group; always 0 if there are no groups."""
    siblings: int
    """Number of hooks in its group, of any kind."""


class Origin(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state before our hooks were added, as far as the edited text no longer shows it.

    `missing`: there was no file. `blank`: the file contained only this white space. `empty`: keys with empty values,
    such as `hooks` or `hooks.<event>`. `unversioned`: a flat file had no `version`. `present`: the list already had our
    entry. If nothing is known (`UNKNOWN`), whatever is empty without our hooks is removed with them.
    """

    missing: bool = False
    blank: str | None = None
    empty: tuple[str, ...] = ()
    unversioned: bool = False
    present: bool = False


UNKNOWN: Final = Origin()


class HookOwners(msgspec.Struct, frozen=True):
    """Tells whose hooks the settings contain. Our line counts as others' if a person edited it."""

    ours: bool = False
    others: bool = False


def handlers_in(settings: Mapping[str, Any], form: Form) -> Iterator[tuple[str, int, list[Any], object]]:
    """Yields each group of hooks: its event, its index there, its hooks of any kind, its matcher.

    Without groups, each hook counts as one. Only lists under `hooks` are events, which excludes Codex's `hooks.state`.
    """
    events = settings.get(HOOKS)
    for event, entries in events.items() if isinstance(events, dict) else ():
        for number, entry in enumerate(entries if isinstance(entries, list) else ()):
            group = entry if isinstance(entry, dict) else {}
            handlers = [entry] if form in UNGROUPED else group.get(HOOKS)
            yield event, number, handlers if isinstance(handlers, list) else [], group.get("matcher")


def found_hooks(settings: Mapping[str, Any], owner_of: OwnerOf, form: Form = "nested") -> Iterator[FoundHook]:
    """Yields every command hook in parsed settings, in order."""
    for event, group, handlers, matcher in handlers_in(settings, form):
        for number, handler in enumerate(handlers):
            if (hook := hook_of(event, matcher, handler)) is not None:
                owner = owner_of(hook.command)
                yield FoundHook(hook=hook, owner=owner, group=group, number=number, siblings=len(handlers))


def hook_of(event: str, matcher: object, value: object) -> Hook | None:
    """Returns the hook that an entry of the settings describes; None if it runs no command."""
    if not isinstance(value, dict) or not isinstance(command := value.get("command"), str):
        return None
    timeout, name = value.get("timeout"), value.get("name")
    return Hook(
        event=event,
        command=command,
        name=name if isinstance(name, str) else None,
        matcher=matcher if isinstance(matcher, str) else None,
        timeout=timeout if isinstance(timeout, int) and not isinstance(timeout, bool) else None,
    )
