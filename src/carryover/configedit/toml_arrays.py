"""Where the items of the arrays in a TOML text stand, so that one can be put in or taken out alone. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from carryover.configedit.toml_segments import TOKEN, path_of, segments


class Array(msgspec.Struct, frozen=True):
    """An array that is the value of a key: its bracket, and the bounds of its items."""

    opening: int
    items: tuple[tuple[int, int], ...]

    def with_item(self, text: str, item: str) -> str:
        """The text with one more item at the end."""
        if not self.items:
            return text[: self.opening + 1] + item + text[self.opening + 1 :]
        end = self.items[-1][1]
        return f"{text[:end]}, {item}{text[end:]}"

    def without_item(self, text: str, number: int) -> str:
        """The text without one of the items: what `with_item` was given, when that put in the last one."""
        start, end = self.items[number]
        if number > 0:
            start = self.items[number - 1][1]
        elif len(self.items) > 1:
            end = self.items[1][0]
        return text[:start] + text[end:]

    def with_other(self, text: str, number: int, item: str) -> str:
        """The text with another item in the place of one."""
        start, end = self.items[number]
        return text[:start] + item + text[end:]


def arrays(text: str) -> dict[tuple[str, ...], Array]:
    """The arrays of a text that is TOML, by their way from the root. Those inside of others, or of inline tables or of
    lists of tables, are left out."""
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
