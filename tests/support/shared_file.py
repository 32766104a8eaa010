"""Files like those of `carryover share`, as anyone who knows a public key could make them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from carryover.actions.context import now_ms
from carryover.sync.bundle import Bundle, packed
from carryover.sync.sealing import MachineKey, seal_for

Key = Callable[..., str]
"""Makes an ssh key pair at a path, of a kind and with a passphrase; returns the public key."""


def public_of(key: str) -> str:
    """The public key of an age key."""
    return MachineKey(key).recipient


def sealed(file: Path, key: str, **changes: object) -> Path:
    """A file that anyone could have made for the age key `key`."""
    fields: dict[str, object] = {
        "sender": "Ann", "host": "laptop", "project": "shop", "title": "Cap it", "made_ms": now_ms(),
        "depth": "handoff", "handoff": "## Task\n- Cap it\n",
    }  # fmt: skip
    bundle = msgspec.convert({**fields, **changes}, Bundle)
    return sealed_bytes(file, key, packed(bundle))


def sealed_bytes(file: Path, key: str, content: bytes) -> Path:
    file.write_bytes(seal_for([public_of(key)], content))
    return file
