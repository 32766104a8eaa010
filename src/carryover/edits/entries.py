"""Our entry in a list of an agent's settings, of strings or of MCP servers. Pure: every other byte is kept.

    {"<key>": ["<entry>"]}
    {"<key>": {"carryover": {"command": "/.../carryover", "args": ["mcp"]}}}     or, in TOML, as [<key>.carryover]
    {"<key>": [{"name": "carryover", "command": ...}]}                           or, in TOML, as [[<key>]]

What the user adds to the entry of a server stays while it is there; one that starts something else is theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Final

import msgspec

from carryover.edits import json_text, toml_text
from carryover.text.user_text import UNKNOWN, EditRefused, Origin, begun, decode, encode, restored

SERVER_NAME: Final = "carryover"
SUBCOMMAND: Final = "mcp"
_NAMED: Final = "name"
"""Field with a server's name, where servers are entries of a list."""
_TIMEOUT: Final = "timeout"
"""Field with how long the agent waits for a server; the user may have set another one."""


class ListEntry(msgspec.Struct, frozen=True):
    """Our entry in the list `key` of settings in JSON or TOML: a string, or a server's settings. How it gets in, and
    out again, as `Hooks` say. All methods raise EditRefused if the settings are not JSON or TOML in UTF-8, or the list
    is there twice or is something else."""

    key: str
    value: str | Mapping[str, Any] = {}
    toml: bool = False

    def put(self, data: bytes | None, _: Origin = UNKNOWN) -> bytes:
        """Returns the settings with the entry, at the end of its list if it was not there. Raises EditRefused also if
        the name stands for another server."""
        bom, text = decode(data or b"")
        place, present = _present(text, self)
        if isinstance(self.value, str):
            wanted: Any = self.value
        elif present is not None and not is_ours(present):
            raise EditRefused(f'"{self.key}" already has another server with the name "{SERVER_NAME}"')
        else:
            there = present or {}
            wanted = {**there, **self.value, **({_TIMEOUT: there[_TIMEOUT]} if _TIMEOUT in there else {})}
        if wanted == present:
            return data or b""
        put = toml_text.put if self.toml else json_text.put
        return bom + encode(put(text, place, wanted))

    def take(self, data: bytes, origin: Origin = UNKNOWN) -> bytes | None:
        """Returns the settings without our entry and without what that leaves empty; None to delete the file. Undoes
        `put`, given the origin that was recorded before it."""
        if origin.present:
            return data
        bom, text = decode(data)
        place, present = _present(text, self)
        if present is not None and (isinstance(present, str) or is_ours(present)):
            text = (toml_text if self.toml else json_text).take(text, place, origin.empty)
        is_empty = not text.strip() if self.toml else json_text.is_blank(text)
        return restored(bom, text, origin, is_empty=is_empty)

    def origin_of(self, data: bytes | None, known: Origin | None = None) -> Origin:
        """Returns what to record before `put(data)`. `known`: recorded before the entry now in `data` was added."""
        if (new := begun(data)) is not None:
            return new
        text = decode(data or b"")[1]
        if _present(text, self)[1] is not None:
            return known or Origin(present=isinstance(self.value, str))
        is_empty = _values(text, toml=self.toml).get(self.key) in ([], {})
        return Origin(empty=(self.key,)) if is_empty else UNKNOWN

    def is_in(self, data: bytes) -> bool:
        """Whether the list contains the entry."""
        return _present(decode(data)[1], self)[1] is not None


def is_ours(entry: Mapping[str, Any]) -> bool:
    """Whether an entry of a server starts Carryover, whichever folder it is installed in."""
    command = entry.get("command")
    args = entry.get("args")
    words = [*(command if isinstance(command, list) else [command]), *(args if isinstance(args, list) else [])]
    if len(words) < 2 or not all(isinstance(word, str) for word in words) or words[-1] != SUBCOMMAND:
        return False
    return PurePath(words[-2]).name == SERVER_NAME or words[-2].startswith(f"{SERVER_NAME}.")


def settings_in(data: bytes, *, toml: bool) -> Mapping[str, Any]:
    """Returns the settings. Raises EditRefused if they are not JSON, apart from comments and trailing commas, or TOML
    in UTF-8."""
    return _values(decode(data)[1], toml=toml)


def _values(text: str, *, toml: bool) -> Mapping[str, Any]:
    return toml_text.values(text) if toml else json_text.values(text)


def _present(text: str, entry: ListEntry) -> tuple[tuple[str | int | None, ...], Any]:
    """Returns where the entry is or would be put, and its present value; None if it is missing."""
    if isinstance(entry.value, str):
        listed = _values(text, toml=entry.toml).get(entry.key, [])
        if not isinstance(listed, list):
            raise EditRefused(f'"{entry.key}" is something other than a list')
        numbers = [number for number, value in enumerate(listed) if value == entry.value]
        if not numbers:
            return (entry.key, None), None
        return (entry.key, numbers[-1]), entry.value
    servers = _values(text, toml=entry.toml).get(entry.key)
    if _NAMED in entry.value or (isinstance(servers, list) and not entry.value):
        return _listed(servers or [], entry)
    servers = servers if servers is not None else {}
    present = servers.get(SERVER_NAME) if isinstance(servers, dict) else servers
    if present is not None and not isinstance(present, dict):
        raise EditRefused(f'"{entry.key}" or "{SERVER_NAME}" in it is something other than an object')
    return (entry.key, SERVER_NAME), present


def _listed(servers: Any, entry: ListEntry) -> tuple[tuple[str | int | None, ...], Any]:
    """Returns where the entry of a server is or would be put in a list of servers, and its present value."""
    if not isinstance(servers, list):
        raise EditRefused(f'"{entry.key}" is something other than a list')
    named = ((number, server) for number, server in enumerate(servers) if isinstance(server, dict))
    found = next(((number, server) for number, server in named if server.get(_NAMED) == SERVER_NAME), None)
    return ((entry.key, None), None) if found is None else ((entry.key, found[0]), found[1])
