"""Parses TOML, and finds the line that sets a key, for error messages."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Final

from carryover.text.pattern import later


def parsed_toml(text: str) -> dict[str, Any]:
    """Parses a TOML text. Raises ValueError, also for what `tomllib` gives up with another error."""
    import tomllib  # takes 4 ms, and most commands meet no settings file

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except ValueError as error:
        raise ValueError("a number is too long") from error


def with_line(text: str, dotted: str) -> str:
    """Returns `dotted` with the number of the line that sets it, if that can be found: `resume.mode (line 3)`.

    `sources[1].files` is in the second of the tables `[[sources]]`.
    """
    several = [name for name in re.findall(r"(\w+)\[\d+\]", dotted) if f"[[{name}]]" in text]
    wanted = dotted if several else re.sub(r"\[.*?\]", "", dotted)
    table = ""
    counts: dict[str, int] = {}
    nearest = ""
    at_line = 0
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[\[\s*([^\[\]]+?)\s*\]\]", line):
            name = header[1]
            table = f"{name}[{counts.get(name, 0)}]"
            counts[name] = counts.get(name, 0) + 1
            found = table
        elif header := re.match(r"\s*\[\s*([^\[\]]+?)\s*\]", line):
            table = header[1]
            found = table
        elif assignment := re.match(r"\s*([\w.\"'-]+)\s*=", line):
            found = f"{table}.{assignment[1]}".strip(".").replace('"', "").replace("'", "")
        else:
            continue
        if f"{wanted}.".startswith(f"{found}.") and len(found) > len(nearest):
            nearest = found
            at_line = number
    return f"{dotted} (line {at_line})" if at_line else dotted


_EXPECTED: Final = later(r"Expected `(\w+)(?: \| null)?`(?:, got `\w+`| ([<>]=) (\d+)|( of length >= 1))?")
_FORMS = {"regex": "it must be minutes or hours, as 5m or 1h", "RFC3339": "it must be like 2026-11-21T14:30:00Z"}
_PLAIN = {"int": "a whole number", "bool": "true or false", "str": "text", "array": "a list", "object": "a table"}


def required_value(problem: str, choices: Collection[str] = ()) -> str:
    """Returns in plain words what a value must be, from msgspec's message and the choices there are."""
    if choices:
        return f"it must be one of {', '.join(choices)}"
    expected = _EXPECTED.fullmatch(problem)
    if expected is None:
        return next((form for sign, form in _FORMS.items() if sign in problem), problem)
    kind = _PLAIN.get(expected[1], expected[1])
    bound = expected[2]
    limit = expected[3]
    if bound == "<=":
        return f"it must be {kind} of at most {limit}"
    if bound:
        return f"it must be {kind} of {limit} or more"
    return f"it must be {kind}, not empty" if expected[4] else f"it must be {kind}"
