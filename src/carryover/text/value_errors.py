"""Says in plain words what is wrong with a value, from the messages of msgspec."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

_EXPECTED: Final = re.compile(r"Expected `(\w+)(?: \| null)?`(?:, got `\w+`| ([<>]=) (\d+)|( of length >= 1))?")
_KINDS: Final = {
    "int": "a whole number",
    "bool": "true or false",
    "str": "text",
    "array": "a list",
    "object": "a table",
}


def required_value(problem: str, choices: Collection[str] = ()) -> str:
    """Returns in plain words what a value must be, from what msgspec says about it and the choices there are."""
    if choices:
        return f"it must be one of {', '.join(choices)}"
    expected = _EXPECTED.fullmatch(problem)
    if expected is None:
        return problem
    kind, bound, limit = _KINDS.get(expected[1], expected[1]), expected[2], expected[3]
    if bound == "<=":
        return f"it must be {kind} of at most {limit}"
    return f"it must be {kind}" + (f" of {limit} or more" if bound else ", not empty" if expected[4] else "")
