"""Our hooks in an agent's settings of any form; `json_hooks` and `toml_hooks` document the guarantees. Pure."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from carryover.adapter.spec import HookFileRules
from carryover.edits import json_document, json_hooks, toml_hooks
from carryover.edits.encoding import EditRefused, decode
from carryover.edits.hook_command import OwnerOf
from carryover.edits.hooks import UNKNOWN, Form, FoundHook, Hook, HookOwners, Origin, found_hooks, handlers_in
from carryover.edits.json_comments import blanked


def with_hooks(
    data: bytes | None,
    wanted: Sequence[Hook],
    owner_of: OwnerOf,
    origin: Origin = UNKNOWN,
    *,
    form: Form,
    rules: HookFileRules | None = None,
) -> bytes:
    """Returns the settings with exactly `wanted` as our hooks.

    Raises:
        EditRefused: that can't be done, or the agent would drop the file.
    """
    if form == "tables":
        return toml_hooks.with_hooks(data, wanted, owner_of)
    return json_hooks.with_hooks(data, wanted, owner_of, origin, form=form, rules=rules)


def without_hooks(data: bytes, owner_of: OwnerOf, origin: Origin = UNKNOWN, *, form: Form) -> bytes | None:
    """Returns the settings without our hooks; None to delete the file. Raises EditRefused."""
    if form == "tables":
        return toml_hooks.without_hooks(data, owner_of, origin)
    return json_hooks.without_hooks(data, owner_of, origin, form=form)


def origin_of(data: bytes | None, owner_of: OwnerOf, known: Origin | None = None, *, form: Form) -> Origin:
    """Returns what to record before `with_hooks(data)`. Raises EditRefused."""
    if form == "tables":
        return toml_hooks.origin_of(data, owner_of, known)
    return json_hooks.origin_of(data, owner_of, known, form=form)


def hooks_of(data: bytes, owner_of: OwnerOf, *, form: Form = "nested") -> tuple[FoundHook, ...]:
    """Returns every command hook in the settings. Raises EditRefused."""
    return tuple(found_hooks(_parsed(data, form), owner_of, form))


def hook_owners(data: bytes, owner_of: OwnerOf, *, form: Form) -> HookOwners:
    """Returns whose hooks the settings contain. Raises EditRefused."""
    settings = _parsed(data, form)
    number = sum(len(handlers) for _, _, handlers, _ in handlers_in(settings, form))
    mine = sum(found.owner == "ours" for found in found_hooks(settings, owner_of, form))
    return HookOwners(ours=mine > 0, others=number > mine)


def drop_reason(data: bytes, *, form: Form, rules: HookFileRules | None) -> str | None:
    """Returns why the agent ignores all hooks of a file, as a clause; None if it does not. Raises EditRefused."""
    return None if form == "tables" else json_hooks.drop_reason(decode(data)[1], form, rules)


def ignored_events(data: bytes, *, form: Form) -> tuple[str, ...]:
    """Returns the events that are written where the agent does not look for them. Raises EditRefused."""
    return json_hooks.ignored_events(decode(data)[1]) if form in ("flat", "plain") else ()


def _parsed(data: bytes, form: Form) -> Mapping[str, Any]:
    text = decode(data)[1]
    return toml_hooks.parsed(text) if form == "tables" else json_document.values(text)


def value_at(data: bytes, key: Sequence[str], *, toml: bool) -> Any:
    """Returns the value of a setting, by its path from the root; None if it is absent.

    Raises:
        EditRefused: it is not JSON (apart from comments and trailing commas) or TOML in UTF-8.
    """
    text = decode(data)[1]
    try:
        node: Any = tomllib.loads(text) if toml else json.loads(blanked(text)) if text.strip() else None
    except (ValueError, RecursionError) as error:
        raise EditRefused(f"it is not valid {'TOML' if toml else 'JSON'}") from error
    for name in key:
        node = node.get(name) if isinstance(node, dict) else None
    return node
