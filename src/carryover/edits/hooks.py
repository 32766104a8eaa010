"""A hook in an agent's settings, and what was there before ours came. The same for every form of settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from carryover.edits.hook_command import Owner, OwnerOf

HOOKS: Final = "hooks"

Form = Literal["nested", "flat", "plain", "tables", "list"]
"""How hooks are laid out. `nested`, `flat` and `plain`: JSON, see `json_hooks`. `tables`: the nested layout as TOML,
see `toml_hooks`. `list`: no hooks, but an entry of a list in JSON, see `settings_list`."""

UNGROUPED: Final[tuple[Form, ...]] = ("flat", "plain")
"""Forms in which an event's list holds the hooks themselves."""


class HookFile(msgspec.Struct, frozen=True):
    """A settings file, which need not exist, and how hooks are laid out in it."""

    path: Path
    form: Form


class Hook(msgspec.Struct, frozen=True, kw_only=True):
    """One hook as the settings should have it."""

    event: str
    command: str
    name: str | None = None
    """What the agent shows to people while it runs; None writes none."""
    matcher: str | None = None
    """None writes no matcher."""
    timeout: int | None = None
    """In the unit of the agent's settings; None leaves its default."""


class FoundHook(msgspec.Struct, frozen=True, kw_only=True):
    """A command hook found in the settings; `hook` holds the fields that we would write as well."""

    hook: Hook
    owner: Owner
    group: int
    """Index of its group among those of the event."""
    number: int
    """Its index in the group; always 0 where there are no groups."""
    siblings: int
    """The number of hooks in its group, of any kind."""


class Origin(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was there before our hooks, as far as the text that holds them no longer shows it.

    `missing`: there was no file. `blank`: the file held only this white space. `empty`: what held nothing, such as
    `hooks` or `hooks.<event>`. `unversioned`: a flat file had no `version`. `present`: an entry of a list was there
    already. Where nothing is known (`UNKNOWN`), what is
    empty without our hooks is removed with them.
    """

    missing: bool = False
    blank: str | None = None
    empty: tuple[str, ...] = ()
    unversioned: bool = False
    present: bool = False


UNKNOWN: Final = Origin()


class HookOwners(msgspec.Struct, frozen=True):
    """Who has hooks in some settings. A line of ours that a person edited counts as others'."""

    ours: bool = False
    others: bool = False


def handlers_in(settings: Mapping[str, Any], form: Form) -> Iterator[tuple[str, int, list[Any], object]]:
    """Each group of hooks: its event, its index there, its hooks of any kind, its matcher.

    Where there are no groups each hook is one. Only lists under `hooks` are events, which Codex's `hooks.state` is not.
    """
    events = settings.get(HOOKS)
    for event, entries in events.items() if isinstance(events, dict) else ():
        for number, entry in enumerate(entries if isinstance(entries, list) else ()):
            group = entry if isinstance(entry, dict) else {}
            handlers = [entry] if form in UNGROUPED else group.get(HOOKS)
            yield event, number, handlers if isinstance(handlers, list) else [], group.get("matcher")


def found_hooks(settings: Mapping[str, Any], owner_of: OwnerOf, form: Form = "nested") -> Iterator[FoundHook]:
    """Every command hook in parsed settings, in their order."""
    for event, group, handlers, matcher in handlers_in(settings, form):
        for number, handler in enumerate(handlers):
            if (hook := hook_of(event, matcher, handler)) is not None:
                owner = owner_of(hook.command)
                yield FoundHook(hook=hook, owner=owner, group=group, number=number, siblings=len(handlers))


def hook_of(event: str, matcher: object, value: object) -> Hook | None:
    """The hook that an entry of the settings describes; None where it runs no command."""
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
