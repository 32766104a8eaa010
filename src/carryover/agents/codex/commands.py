"""Shell commands in the forms in which Codex writes them down."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote

import msgspec

from carryover.agents.codex.wire import whole_number
from carryover.records import rawjson
from carryover.records.lenient import text_of

_SCRIPT_FLAGS: Final = frozenset(("-c", "-lc", "-Command", "/c"))


def script_of(command: Sequence[str]) -> str:
    """The script that a shell is started with (`["/bin/bash", "-lc", script]`), or else the program and its words."""
    if len(command) >= 3 and command[-2] in _SCRIPT_FLAGS:
        return command[-1]
    return shlex.join(command)


def given_script(raw: msgspec.Raw) -> str:
    """The `cmd` or `command` of a call: a text, or a list as for `script_of`. Empty where it is neither."""
    command = rawjson.part_of(raw, list[str])
    return script_of(command) if command else rawjson.string_of(raw) or ""


def given_patch(raw: msgspec.Raw) -> str | None:
    """The patch in a `command` of the form `["apply_patch", patch]` (older clients)."""
    command = rawjson.part_of(raw, list[str])
    return command[1] if command is not None and len(command) == 2 and command[0] == "apply_patch" else None


def local_path(place: str | None) -> str | None:
    """A path that may be written as a `file://` URL (0.150, 0.169)."""
    if place is None or not place.startswith("file://"):
        return place
    path = unquote(place.removeprefix("file://"))
    is_windows = len(path) > 2 and path[0] == "/" and path[2] == ":"
    return path[1:] if is_windows else path


def process_of(raw: msgspec.Raw | None) -> str | None:
    """The number of a running process, which is a number in some places and a text in others."""
    number = whole_number(raw) if raw is not None else None
    return str(number) if number is not None else text_of(raw) or None
