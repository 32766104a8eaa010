"""A hook in an agent's settings, and what was there before ours came. The same for every form of settings."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

import msgspec

from carryover.edits.hook_command import Owner

Form = Literal["nested", "flat", "tables"]
"""How hooks are laid out. nested and flat: JSON, as `HookSpec.form` says. tables: the nested
ones as TOML (`[[hooks.SessionStart]]`, `[[hooks.SessionStart.hooks]]`)."""


class HookFile(msgspec.Struct, frozen=True):
    """A settings file, which need not exist, and how hooks are laid out in it."""

    path: Path
    form: Form


class Hook(msgspec.Struct, frozen=True, kw_only=True):
    """One hook as it should stand in the settings."""

    event: str
    command: str
    matcher: str | None = None
    """None: no matcher is written."""
    timeout_s: int | None = None
    """None leaves the agent's own."""


class FoundHook(msgspec.Struct, frozen=True, kw_only=True):
    """A command hook as it stands in the settings; `hook` is what it says as far as we would say it."""

    hook: Hook
    owner: Owner
    line: int
    """From 1."""
    group: int = 0
    """Its group's place among those of the event, from 0."""
    number: int = 0
    """Its own place in the group, from 0; always 0 where there are no groups."""


class Origin(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was there before our hooks came, where the text that holds them cannot tell it any more.

    `missing`: there was no file. `blank`: the file held only this white space. `empty`: what held nothing, as `hooks`
    or `hooks.<event>`. `unversioned`: a flat file had no `version`. Where it is not known (`UNKNOWN`), what our hooks
    leave empty goes with them.
    """

    missing: bool = False
    blank: str | None = None
    empty: tuple[str, ...] = ()
    unversioned: bool = False


UNKNOWN: Final = Origin()


class HookOwners(msgspec.Struct, frozen=True):
    """Who has hooks in some settings. A line of ours that a person edited is theirs."""

    ours: bool = False
    others: bool = False


def hook_of(event: str, matcher: object, value: object) -> Hook | None:
    """The hook that an entry of the settings says; None where it runs no command."""
    if not isinstance(value, dict) or not isinstance(command := value.get("command"), str):
        return None
    timeout = value.get("timeout")
    return Hook(
        event=event,
        command=command,
        matcher=matcher if isinstance(matcher, str) else None,
        timeout_s=timeout if isinstance(timeout, int) and not isinstance(timeout, bool) else None,
    )
