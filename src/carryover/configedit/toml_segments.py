"""Where the tables of a TOML text begin and end, so that one can be taken out and every other byte stays. Pure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any, Final

import msgspec

# Whatever may hold a bracket, a number sign or a line end that means nothing; spaces fall through.
TOKEN: Final = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}'
    r"|'''(?:[^']|'(?!''))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|(?P<comment>#[^\n]*)"
    r"|(?P<line>\n)"
    r"|(?P<open>[\[{])"
    r"|(?P<close>[\]}])"
    r"|(?P<comma>,)"
    r"|(?P<equals>=)"
    r"|[^\s\"'#\[\]{},=]+",
    re.DOTALL,
)


class Segment(msgspec.Struct, frozen=True):
    """A table as it is written out: from its header to the end of the last line that says something."""

    start: int
    end: int
    """After the line end, where there is one."""
    path: tuple[str, ...]
    array: bool
    """`[[...]]`: one more of a list of tables."""

    def body(self, text: str) -> tuple[int, int]:
        """The bounds of what it says."""
        return line_end(text, self.start), self.end


def segments(text: str) -> tuple[Segment, ...]:
    """The tables of a text that is TOML, in its order. What stands before the first is none."""
    return tuple(Segment(start, end, *_header(text[start : line_end(text, start)])) for start, end in _bounds(text))


def _bounds(text: str) -> Iterator[tuple[int, int]]:
    depth, fresh, start, last = 0, True, None, 0
    for token in TOKEN.finditer(text):
        if token["line"]:
            fresh = depth == 0
        elif not token["comment"]:
            if fresh and token["open"]:
                if start is not None:
                    yield start, line_end(text, last)
                start = text.rfind("\n", 0, token.start()) + 1
            depth += bool(token["open"]) - bool(token["close"])
            fresh, last = False, token.end() - 1
    if start is not None:
        yield start, line_end(text, last)


def line_end(text: str, at: int) -> int:
    """Where the line of a place ends, its line end included."""
    found = text.find("\n", at)
    return len(text) if found < 0 else found + 1


def path_of(text: str) -> tuple[tuple[str, ...], Any]:
    """The one way from the root that a header or an assignment opens, and what is at its end."""
    node: Any = tomllib.loads(text)
    path: list[str] = []
    while isinstance(node, dict) and node:
        ((key, node),) = node.items()
        path.append(key)
    return tuple(path), node


def _header(line: str) -> tuple[tuple[str, ...], bool]:
    path, node = path_of(line)
    return path, isinstance(node, list)
