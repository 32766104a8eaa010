"""Ways in which JSON from elsewhere can be wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

OTHER_VALUES: tuple[Any, ...] = (None, 0, -1, 1.5, True, "", "x", [], [1], {}, {"x": {"y": 1}}, 10**400)
"""One of every JSON type, and some that are hard to hold."""

HOSTILE: dict[str, bytes] = {
    "not json": b"// a comment",
    "cut": b'{"type": "user", "mess',
    "two values": b"{} {}",
    "a number": b"5",
    "a string": b'"user"',
    "a list": b"[[]]",
    "nothing": b"null",
    "no fields": b"{}",
    "type is no text": b'{"type": 5}',
    "raw NUL": b'{"type": "user\x00"}',
    "NUL bytes": b"\x00" * 64,
    "broken UTF-8": b'{"type": "\xff\xfe"}',
    "lone surrogate": b'{"type": "\\ud83d"}',
    "low surrogate": b'{"type": "\\ude00 x"}',
    "half an escape": b'{"type": "\\u12',
    "deep list": b'{"type": "user", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep object": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "not a number": b'{"type": NaN}',
    "one megabyte": b'{"type": "' + b"x" * (1 << 20) + b'"}',
}


def places(value: Any, depth: int = 6) -> Iterator[tuple[Any, Any]]:
    """Every container and the place in it that holds something."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for place, part in list(entries):
        yield value, place
        if depth:
            yield from places(part, depth - 1)


def damaged(value: Any) -> Iterator[bytes]:
    """Copies of a record with one part missing or of another type."""
    for container, place in places(value):
        kept = container[place]
        for other in OTHER_VALUES:
            container[place] = other
            yield json.dumps(value).encode()
        if isinstance(container, dict):
            del container[place]
            yield json.dumps(value).encode()
        container[place] = kept
