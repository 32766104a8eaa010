"""Finds the line of a TOML text that sets a key, for messages about it."""

from __future__ import annotations

import re


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
