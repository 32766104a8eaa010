"""A program of ours that an agent loads: a file of its own, in which one line holds our hooks as JSON. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from carryover.decoders import decoder_of
from carryover.text.user_text import EditRefused, decode

_MARK: Final = "@HOOKS@"
_LINE: Final = re.compile(r"^const HOOKS = (\{.*\});$", re.MULTILINE)


def hooks_in(text: str) -> dict[str, Any]:
    """Returns the hooks in such a program by event; none if the file is empty. Raises EditRefused if it is another."""
    found = _LINE.search(text)
    try:
        return decoder_of(dict[str, Any]).decode(found[1].encode()) if found is not None else _nothing(text)
    except msgspec.MsgspecError as error:
        raise EditRefused("its hooks can't be read") from error


def _nothing(text: str) -> dict[str, Any]:
    if text.strip():
        raise EditRefused("Carryover did not write it")
    return {}


def extension_with_hooks(data: bytes | None, program: str, wanted: Mapping[str, Any]) -> bytes:
    """Returns `program` with the hooks, by event. Raises EditRefused if `data` is a file that is not ours."""
    hooks_in(decode(data or b"")[1])
    return program.replace(_MARK, msgspec.json.encode(wanted).decode(), 1).encode()
