"""Changes JSON as JSON: bytes that are changed at random are hardly ever JSON afterwards, and go no further."""

from __future__ import annotations

import json
from random import Random
from typing import Any, Final

from carryover.past.check.damage import OTHER_VALUES, places

_DEEPEST: Final = 200
_NOTHING: Final = b""
"""Has libFuzzer change the bytes itself."""


def crossed(one: bytes, other: bytes, most: int, seed: int) -> bytes:
    """Returns `one` with a part of its JSON, of a line or of all of it, changed, maybe into a part of `other`'s."""
    random = Random(seed)
    lines = one.split(b"\n")
    at = random.randrange(len(lines))
    donor = _json_in(random.choice(other.split(b"\n"))) or _json_in(other)
    line = _changed(lines[at], donor, random)
    whole = b"\n".join((*lines[:at], line, *lines[at + 1 :])) if line else _changed(one, donor, random)
    return whole if len(whole) <= most else _NOTHING


def _changed(data: bytes, donor: Any, random: Random) -> bytes:
    value = _json_in(data)
    found = [(container, place) for container, place, _ in places(value)]
    if not found:
        return _NOTHING
    container, place = random.choice(found)
    parts = [other[name] for other, name, _ in places(donor)] or list(OTHER_VALUES)
    way = random.randrange(4)
    if way == 0:
        del container[place]
    elif way == 1:
        container[place] = random.choice(OTHER_VALUES)
    elif way == 2:
        container[place] = random.choice(parts)
    else:
        source, name = random.choice(found)
        container[place] = json.loads(json.dumps(source[name]))
    return data[: data.find(b"{")] + json.dumps(value).encode()


def _json_in(data: bytes) -> Any:
    """Returns the object that the bytes end with; None if they do not."""
    start = data.find(b"{")
    if start < 0 or data.count(b"[") + data.count(b"{") > _DEEPEST:
        return None
    try:
        return json.loads(data[start:])
    except ValueError:
        return None
