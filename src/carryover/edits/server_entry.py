"""Carryover's entry in an agent's list of MCP servers. Pure: bytes in, bytes out, every other byte kept.

    {"<key>": {"carryover": {"command": "/.../carryover", "args": ["mcp"]}}}

    [<key>.carryover]
    command = "/.../carryover"
    args = ["mcp"]

What the user adds to the entry stays while it is there. An entry of that name that starts something else is theirs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from pathlib import PurePath
from typing import Any, Final

from carryover.edits.encoding import EditRefused, decode, encode, newline_of
from carryover.edits.hooks import UNKNOWN, Origin
from carryover.edits.json_document import added, document, inside, layout_of, only, own_line, read, removed, replaced
from carryover.edits.json_document import values as json_values
from carryover.edits.toml_hooks import by_tomlkit, cut, parsed, string

NAME: Final = "carryover"
SUBCOMMAND: Final = "mcp"

_PLAIN_KEY: Final = re.compile(r"[\w-]+")


def with_server(data: bytes | None, key: str, entry: Mapping[str, Any], *, toml: bool) -> bytes:
    """Returns the settings with `entry` for Carryover in the list `key`.

    Raises:
        EditRefused: they are not JSON or TOML in UTF-8, `key` is something else, or the name stands for another server.
    """
    bom, text = decode(data or b"")
    present = _present(text, key, toml=toml)
    if present is not None and not is_ours(present):
        raise EditRefused(f'"{key}" already has another server with the name "{NAME}"')
    wanted = {**(present or {}), **entry}
    if wanted == present:
        return data or b""
    return bom + encode((_with_table if toml else _with_member)(text, key, wanted))


def without_server(data: bytes, key: str, origin: Origin = UNKNOWN, *, toml: bool) -> bytes | None:
    """Returns the settings without our entry, and without what is only empty because of that; None to delete the file.

    Undoes `with_server`, given the origin that was recorded before it.

    Raises:
        EditRefused: as for `with_server`.
    """
    bom, text = decode(data)
    present = _present(text, key, toml=toml)
    if present is not None and is_ours(present):
        text = _without_table(text, key, present) if toml else _without_member(text, key, keep=key in origin.empty)
    empty = not text.strip() or (not toml and not read(text).items)
    if empty and (origin.missing or origin.blank is not None):
        return None if origin.missing else bom + encode(origin.blank or "")
    return bom + encode(text)


def origin_of(data: bytes | None, key: str, known: Origin | None, *, toml: bool) -> Origin:
    """Returns what to record before `with_server(data)`. `known`: recorded before the entry now in `data` was added.

    Raises:
        EditRefused: as for `with_server`.
    """
    if data is None:
        return Origin(missing=True)
    text = decode(data)[1]
    if not text.strip():
        return Origin(blank=text)
    if _present(text, key, toml=toml) is not None:
        return known or UNKNOWN
    return Origin(empty=(key,)) if _values(text, toml=toml).get(key) == {} else UNKNOWN


def has_server(data: bytes, key: str, *, toml: bool) -> bool:
    """Whether the list has an entry that starts Carryover. Raises EditRefused as `with_server` does."""
    present = _present(decode(data)[1], key, toml=toml)
    return present is not None and is_ours(present)


def has_list(data: bytes, key: str, *, toml: bool) -> bool:
    """Whether the settings have the list. Raises EditRefused if they are not JSON or TOML in UTF-8."""
    return key in _values(decode(data)[1], toml=toml)


def is_ours(entry: Mapping[str, Any]) -> bool:
    """Whether an entry starts Carryover, from whatever folder."""
    command, args = entry.get("command"), entry.get("args")
    words = [*(command if isinstance(command, list) else [command]), *(args if isinstance(args, list) else [])]
    if len(words) < 2 or not all(isinstance(word, str) for word in words) or words[-1] != SUBCOMMAND:
        return False
    return PurePath(words[-2]).name == NAME or words[-2].startswith(f"{NAME}.")


def _values(text: str, *, toml: bool) -> Mapping[str, Any]:
    return parsed(text) if toml else json_values(text)


def _present(text: str, key: str, *, toml: bool) -> dict[str, Any] | None:
    servers = _values(text, toml=toml).get(key, {})
    if not isinstance(servers, dict):
        raise EditRefused(f'"{key}" is something other than an object')
    present = servers.get(NAME)
    if present is not None and not isinstance(present, dict):
        raise EditRefused(f'"{NAME}" in "{key}" is something other than an object')
    return present


def _with_member(text: str, key: str, entry: Mapping[str, Any]) -> str:
    if not text.strip():
        return document({key: {NAME: entry}})
    root = read(text)
    number = only(text, root, key, dict)
    layout = layout_of(text)
    if number is None:
        return added(text, root, key, {NAME: entry}, layout, "")
    servers = inside(text, root.items[number].value_start)
    ours = only(text, servers, NAME, dict, f"{key}: ")
    if ours is None:
        return added(text, servers, NAME, entry, layout, own_line(text, root, number))
    return replaced(text, servers, ours, entry, layout)


def _without_member(text: str, key: str, *, keep: bool) -> str:
    root = read(text)
    number = only(text, root, key, dict)
    assert number is not None, "our entry is in it"
    servers = inside(text, root.items[number].value_start)
    ours = only(text, servers, NAME, dict)
    assert ours is not None, "our entry is there"
    return removed(text, root, number) if len(servers.items) == 1 and not keep else removed(text, servers, ours)


def _with_table(text: str, key: str, entry: Mapping[str, Any]) -> str:
    if _present(text, key, toml=True) is not None:
        return _edited(text, key, lambda servers: servers[NAME].update(entry), ())
    gap = "" if not text else newline_of(text) if text.endswith("\n") else newline_of(text) * 2
    ending = newline_of(text) if not text or text.endswith("\n") else ""
    after = text + gap + newline_of(text).join(_table(key, entry)) + ending
    after = _edited(text, key, lambda servers: servers.update({NAME: dict(entry)}), (after,))
    if _without_table(after, key, entry) != text:
        raise EditRefused("its servers are written in a form that can't be edited without touching the rest")
    return after


def _without_table(text: str, key: str, entry: Mapping[str, Any]) -> str:
    block = newline_of(text).join(_table(key, entry))
    at = text.find(block)
    return _edited(text, key, lambda servers: servers.pop(NAME), (cut(text, at, at + len(block)),) if at >= 0 else ())


def _edited(text: str, key: str, edit: Callable[[Any], object], candidates: Sequence[str]) -> str:
    """Returns the first of `candidates` that means the same as the settings after `edit`; else tomlkit's result."""

    def change(settings: Any) -> None:
        edit(settings.setdefault(key, {}))

    wanted = parsed(text)
    change(wanted)
    for after in chain(candidates, by_tomlkit(text, change)):
        if _stated(parsed(after), key) == _stated(wanted, key):
            return after
    raise EditRefused("its servers are written in a form that can't be edited without touching the rest")


def _stated(settings: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Returns the settings without an empty list of servers, which may be removed with ours."""
    return {name: value for name, value in settings.items() if name != key or value != {}}


def _table(key: str, entry: Mapping[str, Any]) -> list[str]:
    """Returns the lines of a table; what is a table in it comes inline."""
    return [f"[{key}.{NAME}]", *(f"{name} = {_value(value)}" for name, value in entry.items())]


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        each = (f"{name if _PLAIN_KEY.fullmatch(name) else string(name)} = {_value(of)}" for name, of in value.items())
        return f"{{ {', '.join(each)} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return string(value) if isinstance(value, str) else json.dumps(value)
