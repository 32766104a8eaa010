"""Edits single items of a JSON text and leaves the rest untouched. Pure.

Comments and trailing commas are accepted and kept; `check_strict` refuses them for agents that do.

The standard decoder reads what is only skipped, which is fast; positions are computed only on the path to the edited
item. Each edit returns a new text, which is parsed again: simple, and fast enough for a few edits.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from carryover.edits.encoding import EditRefused, newline_of
from carryover.edits.json_comments import (
    blanked,
    ends_in_line_comment,
    past_comments,
    past_comments_on_line,
    past_gap,
)

_SPACES: Final = " \t\n\r"
_SPACE: Final = re.compile(f"[{_SPACES}]*")
_CONSTANT: Final = re.compile(r'"(?:[^"\\]|\\.)*"|(-?(?:NaN|Infinity))', re.DOTALL)
_TRAILING_COMMA: Final = re.compile(f",[{_SPACES}]*[}}\\]]")
_LONGEST_NUMBER: Final = 300
_DEFAULT_INDENT: Final = "  "


@dataclass(frozen=True, slots=True)
class Item:
    """A member of an object, or an element of an array (`key` is None). `start` to `end` includes the key."""

    start: int
    value_start: int
    end: int
    key: str | None
    value: Any


@dataclass(frozen=True, slots=True)
class Container:
    """An object or array: the positions of its brackets, its items, and the position of a trailing comma."""

    opening: int
    closing: int
    items: tuple[Item, ...]
    comma: int | None = None


@lru_cache(maxsize=2)  # one edit asks several times of the same text
def read(text: str) -> Container:
    """Parses `text` as one object.

    Raises:
        EditRefused: it is something else, or not JSON (which has no NaN), apart from comments and trailing commas.
    """
    return _read(text, blanked(text))


def values(text: str) -> dict[str, Any]:
    """Returns the members of the object in `text`; none if it is blank. Raises EditRefused as `read` does."""
    return {item.key or "": item.value for item in read(text).items} if text.strip() else {}


def check_strict(text: str) -> None:
    """Raises EditRefused unless `text` is an object in strict JSON, without comments and trailing commas."""
    _read(text, text)


def inside(text: str, opening: int) -> Container:
    """Returns the object or array whose bracket is at `opening`, in a text that `read` has accepted."""
    plain = blanked(text)
    is_object = text[opening] == "{"
    items: list[Item] = []
    comma = None
    at = past_gap(text, opening + 1)
    while text[at] not in "}]":
        start, key = at, None
        if is_object:
            key, at = _DECODER.raw_decode(plain, at)
            at = past_gap(text, past_gap(text, at) + 1)
        value, end = _DECODER.raw_decode(plain, at)
        items.append(Item(start, at, end, key, value))
        at = past_gap(text, end)
        comma = None
        if text[at] == ",":
            comma = at
            at = past_gap(text, at + 1)
    return Container(opening, at, tuple(items), comma)


def only(text: str, container: Container, key: str, kind: type, name: str = "") -> int | None:
    """Returns the index of the member `key`, whose value must be a `kind`; None if absent. `name`: its name for people.

    Raises:
        EditRefused: it is there twice, or has another kind of value.
    """
    found = [number for number, item in enumerate(container.items) if item.key == key]
    if len(found) > 1:
        lines = ", ".join(str(line_of(text, container.items[number].start)) for number in found)
        raise EditRefused(f'"{key}" is there twice (lines {lines})')
    for number in found:
        item = container.items[number]
        if not isinstance(item.value, kind):
            place = f'{name}"{key}" (line {line_of(text, item.start)})'
            raise EditRefused(f"{place} is {in_words(item.value)} instead of {in_words(kind())}")
        return number
    return None


def line_of(text: str, at: int) -> int:
    """Returns the line number of a position, from 1."""
    return text.count("\n", 0, at) + 1


def in_words(value: object) -> str:
    """Names the kind of a value for people."""
    kinds = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")


@dataclass(frozen=True, slots=True)
class Layout:
    """The layout of a document, judging by its outermost object."""

    indent: str
    """One step of indentation; empty if nothing is indented."""
    newline: str
    colon: str


def layout_of(text: str) -> Layout:
    """Returns the layout that new text in a document should follow."""
    root = read(text)
    newline = newline_of(text)
    if not root.items:
        return Layout(_DEFAULT_INDENT, newline, ": ")
    indent = own_line(text, root, 0)
    colon = ": " if text[root.items[0].value_start - 1] in _SPACES else ":"
    return Layout(_DEFAULT_INDENT if indent is None else indent, newline, colon)


def own_line(text: str, container: Container, number: int) -> str | None:
    """Returns the indentation of an item that starts a line; None if it does not."""
    start = container.items[number].start
    gap = text[len(text[:start].rstrip(_SPACES)) : start]
    return gap.rpartition("\n")[2] if "\n" in gap else None


def added(text: str, container: Container, key: str | None, value: object, layout: Layout, outer: str | None) -> str:
    """Returns the text with one more item at the end of `container`.

    `outer` is the indentation of the line that `container` opens on, if the first item of an empty container should
    start a new line; otherwise None.
    """
    if container.items:
        return _appended(text, container, key, value, layout)
    end = container.opening + 1
    if outer is None or container.closing != end:  # the user's white space stays after the item
        return text[:end] + _rendered(key, value, layout, None) + text[end:]
    lead = outer + layout.indent
    body = layout.newline + lead + _rendered(key, value, layout, lead) + layout.newline + outer
    return text[:end] + body + text[end:]


def replaced(text: str, container: Container, number: int, value: object, layout: Layout) -> str:
    """Returns the text with a new value for one of the container's items."""
    item = container.items[number]
    lead = own_line(text, container, number)
    return text[: item.value_start] + _rendered(None, value, layout, lead) + text[item.end :]


def removed(text: str, container: Container, number: int) -> str:
    """Returns the text without one of the container's items; undoes `added` for the last one. Comments stay."""
    items = container.items
    item = items[number]
    start = items[number - 1].end if number else container.opening + 1
    end = container.closing if item is items[-1] else items[number + 1].start
    has_comments = past_comments(text, start, item.start) != start or past_comments(text, item.end, end) != item.end
    if has_comments or (number > 0 and container.comma is not None):
        return _cut_around(text, container, number)
    if number > 0:
        return text[:start] + text[item.end :]
    if len(items) > 1:
        return text[: item.start] + text[end:]
    rest = item.end if item.start == start and container.comma is None else container.closing
    return text[:start] + text[rest:]


def document(value: object) -> str:
    """Returns the text of a new document."""
    return json.dumps(value, indent=_DEFAULT_INDENT, ensure_ascii=False) + "\n"


def _read(text: str, plain: str) -> Container:
    """Returns the object in `text`, which the decoder reads as `plain`."""
    opening = _past_space(plain, 0)
    try:
        value, end = _DECODER.raw_decode(plain, opening)
    except json.JSONDecodeError as error:
        raise _malformed(plain, error.pos, error.msg) from error
    except _NotJson as error:
        raise _malformed(plain, _first_constant(plain), "not a JSON value") from error
    except RecursionError as error:
        raise EditRefused("it is nested too deeply") from error
    if (rest := _past_space(plain, end)) != len(plain):
        raise _malformed(plain, rest, "more after the end")
    if not isinstance(value, dict):
        raise EditRefused(f"it holds {in_words(value)} instead of an object")
    return inside(text, opening)


def _appended(text: str, container: Container, key: str | None, value: object, layout: Layout) -> str:
    """Returns the text with one more item after the last one, which keeps the comments that follow it on its line."""
    last = container.items[-1]
    lead = own_line(text, container, len(container.items) - 1)
    gap = _gap(text, container, layout) if lead is None else layout.newline + lead
    new = gap + _rendered(key, value, layout, lead)
    comma = last.end if container.comma is None else container.comma + 1
    at = comma if lead is None else past_comments_on_line(text, comma)
    if container.comma is None:
        return text[:comma] + "," + text[comma:at] + new + text[at:]
    return text[:at] + new + "," + text[at:]


def _cut_around(text: str, container: Container, number: int) -> str:
    """Returns the text without one item, its comma and the white space before it; the comments around it stay."""
    items = container.items
    item = items[number]
    is_last = item is items[-1]
    start = items[number - 1].end if number else container.opening + 1
    comma_before = past_gap(text, start) if number else None
    behind = container.comma if is_last else past_gap(text, item.end)
    until = item.end if behind is None else behind + 1
    lead = past_comments(text, start if comma_before is None else comma_before + 1, item.start)
    rest = ("" if behind is None else text[item.end : behind]) + text[until:]
    if ends_in_line_comment(text[start:lead]) and rest.lstrip(" \t")[:1] not in ("\r", "\n"):
        lead = item.start
    if comma_before is not None and behind is None:  # the previous item is now the last
        return text[:comma_before] + text[comma_before + 1 : lead] + rest
    return text[:lead] + rest


def _gap(text: str, container: Container, layout: Layout) -> str:
    if len(container.items) > 1:
        before = text[: container.items[-1].start]
        return before[len(before.rstrip(" \t")) :]
    return " " if layout.colon.endswith(" ") else ""


def _rendered(key: str | None, value: object, layout: Layout, lead: str | None) -> str:
    """Returns the text of an item: on one line without `lead`, else on several, all but the first indented by it."""
    if lead is None:
        comma = ", " if layout.colon.endswith(" ") else ","
        text = json.dumps(value, separators=(comma, layout.colon), ensure_ascii=False)
    else:
        text = json.dumps(value, indent=layout.indent, separators=(",", layout.colon), ensure_ascii=False)
        text = text.replace("\n", layout.newline + lead)
    return text if key is None else json.dumps(key, ensure_ascii=False) + layout.colon + text


def _past_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _malformed(text: str, at: int, what: str) -> EditRefused:
    """Returns the refusal. Its wording for the two commonest mistakes does not depend on the version of Python."""
    before = text[:at].rstrip(_SPACES)
    if text.startswith(("//", "/*"), at):
        what = "a comment, which JSON does not have"
    elif before.endswith(",") and text.startswith(("}", "]"), at):
        at, what = len(before) - 1, "a comma after the last item"
    elif _TRAILING_COMMA.match(text, at):
        what = "a comma after the last item"
    column = at - text.rfind("\n", 0, at)
    return EditRefused(f"it is not valid JSON (line {line_of(text, at)}, column {column}: {what.removesuffix(' at')})")


def _first_constant(text: str) -> int:
    """Returns the position of the first NaN or Infinity outside strings; the end if there is none."""
    return next((found.start() for found in _CONSTANT.finditer(text) if found[1]), len(text))


class _NotJson(ValueError):
    pass


def _not_json(constant: str) -> None:
    raise _NotJson(constant)


def _whole_number(digits: str) -> int | str:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else digits  # Python refuses integers of thousands of digits


_DECODER: Final = json.JSONDecoder(parse_constant=_not_json, parse_int=_whole_number)
