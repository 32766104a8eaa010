"""Our entry in a list of an agent's settings, of strings or of MCP servers. Pure: every other byte is kept.

    {"<key>": ["<entry>"]}
    {"<key>": {"carryover": {"command": "/.../carryover", "args": ["mcp"]}}}

    [<key>.carryover]
    command = "/.../carryover"
    args = ["mcp"]

A string is an entry of a JSON list. What the user adds to the entry of a server stays while it is there; an entry of
that name that starts something else is theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final

from carryover.edits import json_text, toml_text
from carryover.edits.user_text import UNKNOWN, EditRefused, Origin, begun, decode, encode, restored

NAME: Final = "carryover"
SUBCOMMAND: Final = "mcp"


def with_entry(data: bytes | None, key: str, entry: str) -> bytes:
    """Returns the settings with `entry` in the list `key`, at its end if it was not there.

    Raises:
        EditRefused: they are not JSON in UTF-8, or `key` is there twice or has another kind of value.
    """
    bom, text = decode(data or b"")
    return data or b"" if entry in _listed(text, key) else bom + encode(json_text.put(text, (key, None), entry))


def without_entry(data: bytes, key: str, entry: str, origin: Origin = UNKNOWN) -> bytes | None:
    """Returns the settings without `entry`, and without what is only empty because of that; None to delete the file.

    Undoes `with_entry`, given the origin that was recorded before it. Raises EditRefused as `with_entry` does.
    """
    if origin.present:
        return data
    bom, text = decode(data)
    places = [number for number, value in enumerate(_listed(text, key)) if value == entry]
    text = json_text.remove(text, (key, places[-1]), origin.empty) if places else text
    return restored(bom, text, origin, is_empty=not json_text.values(text))


def origin_of_list(data: bytes | None, key: str, entry: str, known: Origin | None = None) -> Origin:
    """Returns what to record before `with_entry(data)`. `known`: recorded before the entry now in `data` was added.

    Raises:
        EditRefused: as for `with_entry`.
    """
    if (new := begun(data)) is not None:
        return new
    text = decode(data or b"")[1]
    if entry in _listed(text, key):
        return known or Origin(present=True)
    return Origin(empty=(key,)) if json_text.values(text).get(key) == [] else UNKNOWN


def has_entry(data: bytes, key: str, entry: str) -> bool:
    """Whether the list contains the entry. Raises EditRefused as `with_entry` does."""
    return entry in _listed(decode(data)[1], key)


def with_server(data: bytes | None, key: str, entry: Mapping[str, Any], *, toml: bool) -> bytes:
    """Returns the settings with `entry` for Carryover in the list `key`.

    Raises:
        EditRefused: they are not JSON or TOML in UTF-8, `key` is something else, or the name stands for another server.
    """
    bom, text = decode(data or b"")
    present = _server(text, key, toml=toml)
    if present is not None and not is_ours(present):
        raise EditRefused(f'"{key}" already has another server with the name "{NAME}"')
    wanted = {**(present or {}), **entry}
    if wanted == present:
        return data or b""
    return bom + encode((toml_text if toml else json_text).put(text, (key, NAME), wanted))


def without_server(data: bytes, key: str, origin: Origin = UNKNOWN, *, toml: bool) -> bytes | None:
    """Returns the settings without our entry, and without what is only empty because of that; None to delete the file.

    Undoes `with_server`, given the origin that was recorded before it. Raises EditRefused as `with_server` does.
    """
    bom, text = decode(data)
    present = _server(text, key, toml=toml)
    if present is not None and is_ours(present):
        text = (toml_text if toml else json_text).remove(text, (key, NAME), origin.empty)
    return restored(bom, text, origin, is_empty=not (text.strip() if toml else json_text.values(text)))


def origin_of_servers(data: bytes | None, key: str, known: Origin | None, *, toml: bool) -> Origin:
    """Returns what to record before `with_server(data)`. `known`: recorded before the entry now in `data` was added.

    Raises:
        EditRefused: as for `with_server`.
    """
    if (new := begun(data)) is not None:
        return new
    text = decode(data or b"")[1]
    if _server(text, key, toml=toml) is not None:
        return known or UNKNOWN
    return Origin(empty=(key,)) if _values(text, toml=toml).get(key) == {} else UNKNOWN


def is_ours(entry: Mapping[str, Any]) -> bool:
    """Whether an entry of a server starts Carryover, from whatever folder."""
    command, args = entry.get("command"), entry.get("args")
    words = [*(command if isinstance(command, list) else [command]), *(args if isinstance(args, list) else [])]
    if len(words) < 2 or not all(isinstance(word, str) for word in words) or words[-1] != SUBCOMMAND:
        return False
    return PurePath(words[-2]).name == NAME or words[-2].startswith(f"{NAME}.")


def has_list(data: bytes, key: str, *, toml: bool) -> bool:
    """Whether the settings have the list. Raises EditRefused if they are not JSON or TOML in UTF-8."""
    return key in _values(decode(data)[1], toml=toml)


def value_at(data: bytes, key: Sequence[str], *, toml: bool) -> Any:
    """Returns the value of a setting, by its path from the root; None if it is absent.

    Raises:
        EditRefused: they are not JSON (apart from comments and trailing commas) or TOML in UTF-8.
    """
    node: Any = _values(decode(data)[1], toml=toml)
    for name in key:
        node = node.get(name) if isinstance(node, dict) else None
    return node


def _values(text: str, *, toml: bool) -> Mapping[str, Any]:
    return toml_text.values(text) if toml else json_text.values(text)


def _listed(text: str, key: str) -> list[Any]:
    listed = json_text.values(text).get(key, [])
    if not isinstance(listed, list):
        raise EditRefused(f'"{key}" is something other than a list')
    return listed


def _server(text: str, key: str, *, toml: bool) -> dict[str, Any] | None:
    servers = _values(text, toml=toml).get(key, {})
    present = servers.get(NAME) if isinstance(servers, dict) else servers
    if present is not None and not isinstance(present, dict):
        raise EditRefused(f'"{key}" or "{NAME}" in it is something other than an object')
    return present
