"""Parses TOML, and finds the line that sets a key, for messages about it."""

from __future__ import annotations

import re
import tomllib
from typing import Any


def parsed_toml(text: str) -> dict[str, Any]:
    """Parses a TOML text. Raises TOMLDecodeError, also for what `tomllib` gives up with other errors."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except RecursionError as error:
        raise tomllib.TOMLDecodeError("it is nested too deeply") from error
    except ValueError as error:
        raise tomllib.TOMLDecodeError("a number is too long") from error


def with_line(text: str, dotted: str) -> str:
    """Returns `dotted` with the number of the line that sets it, if that can be found: `resume.mode (line 3)`."""
    wanted = re.sub(r"\[.*?\]", "", dotted)
    table, nearest, at_line = "", "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[\s*([^\[\]]+?)\s*\]", line):
            found = table = header[1]
        elif assignment := re.match(r"\s*([\w.\"'-]+)\s*=", line):
            found = f"{table}.{assignment[1]}".strip(".").replace('"', "").replace("'", "")
        else:
            continue
        if f"{wanted}.".startswith(f"{found}.") and len(found) > len(nearest):
            nearest, at_line = found, number
    return f"{dotted} (line {at_line})" if at_line else dotted
