"""Our hooks in an agent's settings, whatever their form. Pure. What is promised: see `json_text` and `toml_text`."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from typing import Any

from carryover.adapter.spec import HookFileRules
from carryover.configedit import json_rules, json_text, toml_text
from carryover.configedit.hook import UNKNOWN, Form, FoundHook, Hook, Origin, Tenants
from carryover.configedit.json_document import Refused
from carryover.configedit.settings_bytes import decoded
from carryover.configedit.stub_line import WhoseIs


def with_hooks(
    data: bytes | None,
    wanted: Sequence[Hook],
    whose: WhoseIs,
    origin: Origin = UNKNOWN,
    *,
    form: Form,
    rules: HookFileRules | None = None,
) -> bytes:
    """The settings with exactly `wanted` as our hooks. Raises Refused where that cannot be, or would be of no use."""
    if form == "tables":
        return toml_text.with_hooks(data, wanted, whose)
    return json_text.with_hooks(data, wanted, whose, origin, form=form, rules=rules)


def without_hooks(data: bytes, whose: WhoseIs, origin: Origin = UNKNOWN, *, form: Form) -> bytes | None:
    """The settings without our hooks; None when the file should go too. Raises Refused."""
    if form == "tables":
        return toml_text.without_hooks(data, whose, origin)
    return json_text.without_hooks(data, whose, origin, form=form)


def origin_of(data: bytes | None, whose: WhoseIs, known: Origin | None = None, *, form: Form) -> Origin:
    """What to remember before `with_hooks(data)`. Raises Refused."""
    if form == "tables":
        return toml_text.origin_of(data, whose, known)
    return json_text.origin_of(data, whose, known, form=form)


def hooks_of(data: bytes, whose: WhoseIs, *, form: Form) -> tuple[FoundHook, ...]:
    """Every command hook in the settings. Raises Refused."""
    return toml_text.hooks_of(data, whose) if form == "tables" else json_text.hooks_of(data, whose, form=form)


def tenants_of(data: bytes, whose: WhoseIs, *, form: Form) -> Tenants:
    """Who has hooks in the settings. Raises Refused."""
    return toml_text.tenants_of(data, whose) if form == "tables" else json_text.tenants_of(data, whose, form=form)


def drop_reason(data: bytes, *, form: Form, rules: HookFileRules | None) -> str | None:
    """Why the agent runs no hook of a file, as a clause; None where nothing is known against it. Raises Refused."""
    return None if form == "tables" else json_rules.drop_reason(decoded(data)[1], form, rules)


def ignored_events(data: bytes, *, form: Form) -> tuple[str, ...]:
    """Events that stand where the agent does not look for them. Raises Refused."""
    return json_rules.ignored_events(decoded(data)[1]) if form == "flat" else ()


def value_at(data: bytes, key: Sequence[str], *, toml: bool) -> Any:
    """The value of a setting, by the way to it from the root; None where there is none.

    Raises:
        Refused: it is not JSON or TOML in UTF-8.
    """
    text = decoded(data)[1]
    try:
        node: Any = tomllib.loads(text) if toml else json.loads(text) if text.strip() else None
    except (ValueError, RecursionError) as error:
        raise Refused(f"it is not valid {'TOML' if toml else 'JSON'}") from error
    for name in key:
        node = node.get(name) if isinstance(node, dict) else None
    return node
