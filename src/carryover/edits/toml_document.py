"""The positions of tables and arrays in a TOML text, so that one can be changed and every other byte kept. Pure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any, Final

import msgspec

# Strings may hold brackets, number signs and line ends that mean nothing. Spaces match nothing and are skipped.
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
    """A table as it is written: from its header to the end of its last line that is not blank or a comment."""

    start: int
    end: int
    """After the line end, if there is one."""
    path: tuple[str, ...]
    array: bool
    """Whether it is an item of a list of tables (`[[...]]`)."""

    def body(self, text: str) -> tuple[int, int]:
        """The bounds of the text below its header."""
        return line_end(text, self.start), self.end


def segments(text: str) -> tuple[Segment, ...]:
    """The tables of a valid TOML text in order. What precedes the first header belongs to none."""
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
    """The end of the line that holds a position, line end included."""
    found = text.find("\n", at)
    return len(text) if found < 0 else found + 1


def path_of(text: str) -> tuple[tuple[str, ...], Any]:
    """The path that a header or an assignment opens from the root, and the value at its end."""
    node: Any = tomllib.loads(text)
    path: list[str] = []
    while isinstance(node, dict) and node:
        ((key, node),) = node.items()
        path.append(key)
    return tuple(path), node


def _header(line: str) -> tuple[tuple[str, ...], bool]:
    path, node = path_of(line)
    return path, isinstance(node, list)


class Array(msgspec.Struct, frozen=True):
    """An array that is the value of a key: the position of its bracket, and the bounds of its items."""

    opening: int
    items: tuple[tuple[int, int], ...]

    def with_item(self, text: str, item: str) -> str:
        """The text with `item` appended."""
        if not self.items:
            return text[: self.opening + 1] + item + text[self.opening + 1 :]
        end = self.items[-1][1]
        return f"{text[:end]}, {item}{text[end:]}"

    def without_item(self, text: str, number: int) -> str:
        """The text without one of the items; the inverse of `with_item` for the last one."""
        start, end = self.items[number]
        if number > 0:
            start = self.items[number - 1][1]
        elif len(self.items) > 1:
            end = self.items[1][0]
        return text[:start] + text[end:]

    def with_other(self, text: str, number: int, item: str) -> str:
        """The text with one item replaced."""
        start, end = self.items[number]
        return text[:start] + item + text[end:]


def arrays(text: str) -> dict[tuple[str, ...], Array]:
    """The arrays of a valid TOML text by their path from the root, without those inside of arrays, inline tables or
    lists of tables."""
    tables = segments(text)
    top = (0, tables[0].start if tables else len(text))
    found = {path_of(f"{key}=0")[0]: array for key, array in _in(text, *top)}
    for table in tables:
        if not table.array:
            found |= {(*table.path, *path_of(f"{key}=0")[0]): array for key, array in _in(text, *table.body(text))}
    return found


def _in(text: str, start: int, end: int) -> Iterator[tuple[str, Array]]:
    key, begin, depth = "", -1, 0
    opening, items, item = 0, list[tuple[int, int]](), (-1, -1)
    for token in TOKEN.finditer(text, start, end):
        if token["line"] or token["comment"]:
            if depth == 0 and token["line"]:
                key, begin = "", -1
        elif depth == 0 and not key:
            begin = token.start() if begin < 0 else begin
            if token["equals"]:
                key = text[begin : token.start()]
        elif depth == 0:
            opening, items, item = token.start(), [], (-1, -1)
            depth += bool(token["open"])
        elif depth == 1 and (token["comma"] or token["close"]):
            items += [item] if item[0] >= 0 else []
            item = (-1, -1)
            depth -= bool(token["close"])
            if depth == 0 and text[opening] == "[":
                yield key, Array(opening, tuple(items))
        else:
            item = (item[0] if item[0] >= 0 else token.start(), token.end())
            depth += bool(token["open"]) - bool(token["close"])
