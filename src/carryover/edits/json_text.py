"""Puts items into a JSON text and takes them out again, with every other byte unchanged. Pure.

Comments (`//`, `/* */`) and trailing commas are accepted and kept; `check_strict` refuses them for agents that do.
Paths lead to an item from the root: names of members, and indexes of elements. The standard decoder reads what is only
skipped, which is fast; positions are computed only on the path.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from typing import Any, Final

import msgspec

from carryover.text.jsonc import COMMENT, SPACES, as_json
from carryover.text.pattern import later
from carryover.text.user_text import EditRefused, newline_of

Path = Sequence[str | int | None]
"""A last step of None appends to a list."""

_COMMENT: Final = later(COMMENT, re.DOTALL)
_GAP: Final = later(rf"(?:[{SPACES}]|{COMMENT})*", re.DOTALL)
_COMMENTS_ON_LINE: Final = later(r"(?:[ \t]*(?:/\*(?:(?!\*/)[^\r\n])*\*/|//[^\r\n]*))*")
_DEFAULT_INDENT: Final = "  "
_MISSING: Final = -1
_DECODER: Final = json.JSONDecoder()


class _Item(msgspec.Struct, frozen=True):
    """A member of an object, or an element of an array (`key` is None). `start` to `end` includes the key."""

    start: int
    value_start: int
    end: int
    key: str | None
    value: Any


class _Container(msgspec.Struct, frozen=True):
    """An object or array: the positions of its brackets, its items, and the position of a trailing comma."""

    opening: int
    closing: int
    items: tuple[_Item, ...]
    comma: int | None


class _Layout(msgspec.Struct, frozen=True):
    """The layout of a document, judging by its outermost object."""

    indent: str
    """One step of indentation; empty if nothing is indented."""
    newline: str
    colon: str


def values(text: str) -> dict[str, Any]:
    """Returns the members of the object in `text`; none if it is blank. Raises EditRefused if it is not an object in
    JSON, apart from comments and trailing commas."""
    return {item.key or "": item.value for item in _inside(text, *_opened(text)).items} if text.strip() else {}


def is_blank(text: str) -> bool:
    """Whether nothing is in it, or an empty object without a comment. Raises EditRefused as `values` does."""
    return not values(text) and _COMMENT.search(text) is None


def check_strict(text: str) -> None:
    """Raises EditRefused unless `text` is strict JSON, without comments and trailing commas."""
    _decoded(text)


def put(text: str, path: Path, value: object) -> str:
    """Returns the text with `value` at `path`, in place of what is there. Creates missing containers.

    Raises EditRefused as `values` does, and if a member on the path is there twice or has another kind of value.
    """
    if not text.strip():
        return json.dumps(_nested(path, value), indent=_DEFAULT_INDENT, ensure_ascii=False) + "\n"
    levels = _levels(text, path)
    layout = _layout_of(text, levels[0][0])
    *outers, (container, number) = levels
    step = path[len(outers)]
    if number == _MISSING:
        key = step if isinstance(step, str) else None
        outer = _own_line(text, *outers[-1]) if outers else ""
        return _added(text, container, key, _nested(path[len(outers) + 1 :], value), layout, outer)
    item = container.items[number]
    new = _rendered(None, value, layout, _own_line(text, container, number))
    return text[: item.value_start] + new + text[item.end :]


def take(text: str, path: Path, keep: Collection[str] = ()) -> str:
    """Returns the text without the item at `path`, and without containers that this leaves empty; undoes `put`. `keep`:
    dotted names of containers that stay. Comments stay, and so do containers that hold one; an element of a list then
    keeps its member, emptied, since agents ask for that."""
    levels = _levels(text, path)
    if levels[-1][1] == _MISSING:
        return text
    emptied = None
    while len(levels) > 1 and _holds_no_more(text, levels[-1][0]) and _dotted(path[: len(levels) - 1]) not in keep:
        emptied = levels.pop()
    if emptied is not None and len(levels) > 1 and isinstance(path[len(levels) - 2], int):
        levels.append(emptied)
    return _removed(text, *levels[-1])


def _nested(path: Path, value: object) -> object:
    for step in reversed(path):
        value = {step: value} if isinstance(step, str) else [value]
    return value


def _dotted(path: Path) -> str:
    return ".".join(map(str, path))


def _levels(text: str, path: Path) -> list[tuple[_Container, int]]:
    """Returns the containers on the path, each with the index of the item in it; the last one may be missing."""
    plain, opening = _opened(text)
    container = _inside(text, plain, opening)
    levels: list[tuple[_Container, int]] = []
    for depth, step in enumerate(path, start=1):
        named = [number for number, item in enumerate(container.items) if item.key == step and step is not None]
        if len(named) > 1:
            raise EditRefused(f'"{_dotted(path[:depth])}" is there twice')
        number = step if isinstance(step, int) else next(iter(named), _MISSING)
        levels.append((container, number))
        if number == _MISSING or depth == len(path):
            break
        item = container.items[number]
        kind, name = (dict, "an object") if isinstance(path[depth], str) else (list, "a list")
        if not isinstance(item.value, kind):
            line = text.count("\n", 0, item.start) + 1
            raise EditRefused(f'"{_dotted(path[:depth])}" (line {line}) is something other than {name}')
        container = _inside(text, plain, item.value_start)
    return levels


def _decoded(text: str) -> int:
    """Returns the position of the object in `text`. Raises EditRefused unless it is one, and all that there is."""
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}: {error.msg.removesuffix(' at')}"
        raise EditRefused(f"it is not valid JSON ({where})") from error
    except (ValueError, RecursionError) as error:  # a number with thousands of digits, or too many levels
        raise EditRefused("it is not valid JSON") from error
    if not isinstance(value, dict):
        raise EditRefused("it holds something other than an object")
    return text.index("{")


def _opened(text: str) -> tuple[str, int]:
    """Returns the text as the decoder takes it, and the position of the object in it. Raises EditRefused."""
    plain = as_json(text)
    return plain, _decoded(plain)


def _inside(text: str, plain: str, opening: int) -> _Container:
    """Returns the object or array whose bracket is at `opening`, in a text that the decoder has accepted as `plain`."""
    is_object = text[opening] == "{"
    items: list[_Item] = []
    comma = None
    at = _past_gap(text, opening + 1)
    while text[at] not in "}]":
        start = at
        key = None
        if is_object:
            key, at = _DECODER.raw_decode(plain, at)
            at = _past_gap(text, _past_gap(text, at) + 1)
        value, end = _DECODER.raw_decode(plain, at)
        items.append(_Item(start, at, end, key, value))
        at = _past_gap(text, end)
        comma = None
        if text[at] == ",":
            comma = at
            at = _past_gap(text, at + 1)
    return _Container(opening, at, tuple(items), comma)


def _layout_of(text: str, root: _Container) -> _Layout:
    newline = newline_of(text)
    if not root.items:
        return _Layout(_DEFAULT_INDENT, newline, ": ")
    indent = _own_line(text, root, 0)
    colon = ": " if text[root.items[0].value_start - 1] in SPACES else ":"
    return _Layout(_DEFAULT_INDENT if indent is None else indent, newline, colon)


def _own_line(text: str, container: _Container, number: int) -> str | None:
    """Returns the indentation of an item that starts a line; None if it does not."""
    start = container.items[number].start
    gap = text[len(text[:start].rstrip(SPACES)) : start]
    return gap.rpartition("\n")[2] if "\n" in gap else None


def _added(text: str, container: _Container, key: str | None, value: object, layout: _Layout, outer: str | None) -> str:
    """Returns the text with one more item at the end of `container`. `outer` is the indentation of the line that
    `container` opens on, if the first item of an empty container should start a new line; otherwise None."""
    if container.items:
        return _appended(text, container, key, value, layout)
    end = container.opening + 1
    if outer is None or container.closing != end:  # the user's white space stays after the item
        return text[:end] + _rendered(key, value, layout, None) + text[end:]
    lead = outer + layout.indent
    body = layout.newline + lead + _rendered(key, value, layout, lead) + layout.newline + outer
    return text[:end] + body + text[end:]


def _appended(text: str, container: _Container, key: str | None, value: object, layout: _Layout) -> str:
    """Returns the text with one more item after the last one, which keeps the comments that follow it on its line."""
    last = container.items[-1]
    lead = _own_line(text, container, len(container.items) - 1)
    if lead is not None:
        gap = layout.newline + lead
    elif len(container.items) > 1:  # as before the last one
        gap = text[len(text[: last.start].rstrip(" \t")) : last.start]
    else:
        gap = " " if layout.colon.endswith(" ") else ""
    new = gap + _rendered(key, value, layout, lead)
    comma = last.end if container.comma is None else container.comma + 1
    at = comma if lead is None else _end_of(_COMMENTS_ON_LINE, text, comma)
    if container.comma is None:
        return text[:comma] + "," + text[comma:at] + new + text[at:]
    return text[:at] + new + "," + text[at:]


def _rendered(key: str | None, value: object, layout: _Layout, lead: str | None) -> str:
    """Returns the text of an item: on one line without `lead`, else on several, all but the first indented by it."""
    if lead is None:
        comma = ", " if layout.colon.endswith(" ") else ","
        text = json.dumps(value, separators=(comma, layout.colon), ensure_ascii=False)
    else:
        text = json.dumps(value, indent=layout.indent, separators=(",", layout.colon), ensure_ascii=False)
        text = text.replace("\n", layout.newline + lead)
    return text if key is None else json.dumps(key, ensure_ascii=False) + layout.colon + text


def _removed(text: str, container: _Container, number: int) -> str:
    """Returns the text without one item and its comma; the comments around it stay."""
    items = container.items
    item = items[number]
    start = items[number - 1].end if number else container.opening + 1
    end = container.closing if item is items[-1] else items[number + 1].start
    if _are_comments_around(text, start, item, end) or (number > 0 and container.comma is not None):
        return _removed_among_comments(text, container, number, start)
    if number > 0:
        return text[:start] + text[item.end :]
    if len(items) > 1:
        return text[: item.start] + text[end:]
    rest_at = item.end if item.start == start and container.comma is None else container.closing
    return text[:start] + text[rest_at:]


def _holds_no_more(text: str, container: _Container) -> bool:
    """Whether a container has one item, and no comment beside it."""
    opened = container.opening + 1
    return len(container.items) == 1 and not _are_comments_around(text, opened, container.items[0], container.closing)


def _are_comments_around(text: str, start: int, item: _Item, end: int) -> bool:
    return _past_comments(text, start, item.start) != start or _past_comments(text, item.end, end) != item.end


def _removed_among_comments(text: str, container: _Container, number: int, start: int) -> str:
    item = container.items[number]
    comma_before = _past_gap(text, start) if number else None
    comma_after = container.comma if item is container.items[-1] else _past_gap(text, item.end)
    rest = text[item.end :]
    if comma_after is not None:
        rest = text[item.end : comma_after] + text[comma_after + 1 :]
    lead = _past_comments(text, start if comma_before is None else comma_before + 1, item.start)
    if _ends_in_line_comment(text, start, lead) and rest.lstrip(" \t")[:1] not in ("\r", "\n"):
        lead = item.start  # nothing else may follow on the line of such a comment
    if comma_before is not None and comma_after is None:  # the previous item is now the last
        return text[:comma_before] + text[comma_before + 1 : lead] + rest
    return text[:lead] + rest


def _ends_in_line_comment(text: str, start: int, end: int) -> bool:
    last = max(_COMMENT.finditer(text, start, end), key=re.Match.end, default=None)
    return last is not None and last.end() == end and last[0].startswith("//")


def _end_of(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _past_gap(text: str, at: int) -> int:
    """Returns the position after white space and comments."""
    return _end_of(_GAP, text, at)


def _past_comments(text: str, start: int, end: int) -> int:
    """Returns the end of the last comment in a gap; `start` if there is none."""
    return max((found.end() for found in _COMMENT.finditer(text, start, end)), default=start)
