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


KIND_NAMES = ("type", "kind", "role", "name", "method", "subtype", "tool", "status", "event", "op", "source")
"""Fields by whose value a parser decides what the rest of an object is."""


def shapes(value: Any) -> Any:
    """Returns the shape of a JSON value: the names of its parts, and their types."""
    if isinstance(value, dict):
        return tuple((name, shapes(part)) for name, part in sorted(value.items()))
    if isinstance(value, list):
        return tuple(sorted({str(shapes(part)) for part in value}))
    return type(value).__name__


def damaged(value: Any, known: set[str] | None = None) -> Iterator[bytes]:
    """Yields copies of a record with one part missing or of another type.

    `known` holds what was damaged in records before this one, and is added to: a part is damaged once for its path, the
    kinds of the objects that it is in, and the shape of the object that holds it; of the record itself, its own shape.
    With it, each part becomes every third of the other values; the next kinds of parts become the rest.
    """
    for container, place, way in places(value):
        kept = container[place]
        others = OTHER_VALUES
        if known is not None:
            seen = f"{way} {shapes(kept if container is value else container)}"
            if seen in known:
                continue
            known.add(seen)
            others = OTHER_VALUES[len(known) % 3 :: 3]
        for other in others:
            container[place] = other
            yield json.dumps(value).encode()
        if isinstance(container, dict):
            del container[place]
            yield json.dumps(value).encode()
        container[place] = kept


def places(value: Any, depth: int = 6, path: str = "", kinds: tuple[str, ...] = ()) -> Iterator[tuple[Any, Any, str]]:
    """Yields containers and places, each with its path, in which all items of a list are one, and the kinds passed."""
    if isinstance(value, dict):
        kinds = (*kinds, *(str(value.get(name))[:32] for name in KIND_NAMES if isinstance(value.get(name), str)))
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for place, part in list(entries):
        below = f"{path}/{place if isinstance(value, dict) else ''}"
        yield value, place, f"{below} {kinds}"
        if depth:
            yield from places(part, depth - 1, below, kinds)
