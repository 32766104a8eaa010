"""Puts tables into a TOML text and takes them out again, with every other byte unchanged. Pure.

A table is written as a block of lines at the end, since tomlkit would not keep every byte around tables; what
is written in another way is edited by tomlkit. An edit is refused unless its result, parsed again, means what it
should.
"""

from __future__ import annotations

import contextlib
import json
import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import pairwise
from typing import Any, Final

from carryover.edits.json_text import Path
from carryover.text.pattern import later
from carryover.text.user_text import EditRefused, newline_of

_PLAIN_KEY: Final = later(r"[\w-]+", re.ASCII)


def values(text: str) -> dict[str, Any]:
    """Returns the settings. Floats stay text, since NaN does not equal itself. Raises EditRefused if the text is not
    TOML."""
    try:
        return tomllib.loads(text, parse_float=str)
    except (ValueError, RecursionError) as error:  # even for a number with thousands of digits
        raise EditRefused(f"it is not valid TOML: {error}") from error


def put(text: str, path: Path, value: Mapping[str, Any]) -> str:
    """Returns the text with a table at `path`, in place of what is there; a last step of None appends to an array.

    Raises EditRefused as `values` does, and if the containers are written in a form that can't be edited.
    """
    former = _at(values(text), path)
    newline = newline_of(text)

    def set_value(parent: Any) -> None:
        _set(parent, path[-1], value)

    if former is not None:
        block = newline.join(_lines(path, value))
        candidates = (text[:at] + block + text[end:] for at, end in _blocks(text, path, former))
        return _edited(text, path, set_value, candidates)
    ends_line = text == "" or text.endswith("\n")
    gap = newline if text else ""
    if not ends_line:
        gap = newline * 2
    ending = newline if ends_line else ""
    after = text + gap + newline.join(_lines(path, value)) + ending
    after = _edited(text, path, set_value, iter((after,)))
    step = path[-1] if path[-1] is not None else len(_at(values(after), path[:-1])) - 1
    if take(after, (*path[:-1], step)) != text:
        raise _refusal(path)
    return after


def take(text: str, path: Path, keep: Collection[str] = ()) -> str:  # noqa: ARG001 (as in json_text; none is left empty)
    """Returns the text without the table at `path`; undoes `put`. Raises EditRefused as `put` does."""
    found = _at(values(text), path)
    if found is None:
        return text

    def pop(parent: Any) -> None:
        del parent[path[-1]]

    return _edited(text, path, pop, (_cut(text, *block) for block in _blocks(text, path, found)))


def _refusal(path: Path) -> EditRefused:
    return EditRefused(f'its "{path[0]}" is written in a form that can\'t be edited without touching the rest')


def _at(settings: Any, path: Path) -> Any:
    for step in path:
        if isinstance(step, str):
            settings = settings.get(step) if isinstance(settings, dict) else None
        else:
            settings = settings[step] if isinstance(settings, list) and step is not None else None
    return settings


def _set(parent: Any, step: str | int | None, value: Mapping[str, Any]) -> None:
    if step is None:
        parent.append(dict(value))
    elif isinstance(step, str) and step in parent:
        parent[step].update(value)
    else:
        parent[step] = dict(value)


def _edited(text: str, path: Path, edit: Callable[[Any], None], candidates: Iterator[str]) -> str:
    """Returns the first of `candidates` that means the same as the settings after `edit`; else tomlkit's result."""

    def edit_all(settings: Any) -> None:
        for step, inner in pairwise(path):
            if isinstance(step, str) and step not in settings:
                settings[step] = {} if isinstance(inner, str) else []
            settings = settings[step]
        edit(settings)

    wanted = values(text)
    try:
        edit_all(wanted)
    except (AttributeError, LookupError, TypeError) as error:
        raise EditRefused(f'"{path[0]}" is something other than tables') from error
    for after in (*candidates, *_by_tomlkit(text, path, edit_all)):
        with contextlib.suppress(EditRefused):
            if _stated(values(after), path) == _stated(wanted, path):
                return after
    raise _refusal(path)


def _by_tomlkit(text: str, path: Path, edit: Callable[[Any], None]) -> Iterator[str]:
    import tomlkit  # takes 50 ms, and few files need it

    with contextlib.suppress(tomlkit.exceptions.TOMLKitError, AttributeError, LookupError, TypeError, ValueError):
        document = tomlkit.parse(text)
        edit(document)
        emptied = _at(document, path[:-1])
        if isinstance(emptied, tomlkit.items.AoT) and not emptied:  # else it would be written as `name = []`
            del _at(document, path[:-2])[path[-2]]
        yield tomlkit.dumps(document)


def _stated(settings: dict[str, Any], path: Path) -> dict[str, Any]:
    """Returns the settings without empty containers on `path`, which come and go with what is in them."""
    for depth in range(len(path) - 1, 0, -1):
        if _at(settings, path[:depth]) in ({}, []):
            parent: Any = _at(settings, path[: depth - 1])
            del parent[path[depth - 1]]
    return settings


def _blocks(text: str, path: Path, table: Mapping[str, Any]) -> Iterator[tuple[int, int]]:
    """Yields the bounds of each block of lines that may be the table, the last one first."""
    block = newline_of(text).join(_lines(path, table))
    at = text.rfind(block)
    while at >= 0:
        end = at + len(block)
        if (at == 0 or text[at - 1] == "\n") and re.match(r"\r?\n|\Z", text[end:]):
            yield at, end
        at = text.rfind(block, 0, end - 1)


def _cut(text: str, start: int, end: int) -> str:
    """Returns the text without a block of lines and the blank line before it, or after it if nothing precedes it."""
    newline = newline_of(text)
    end += len(newline) if text.startswith(newline, end) else 0
    before = _chopped(text, start)
    if before > 0 and text[:before].endswith("\n"):
        start = before
    if end == len(text) and not text.endswith("\n"):
        start = _chopped(text, start)
    if start == 0:
        end += len(newline) if text.startswith(newline, end) else 0
    return text[:start] + text[end:]


def _chopped(text: str, end: int) -> int:
    if text.endswith("\r\n", 0, end):
        return end - 2
    return end - 1 if text.endswith("\n", 0, end) else end


def _lines(path: Path, table: Mapping[str, Any]) -> list[str]:
    """Returns the lines of a table. Arrays of tables in it follow as tables, other tables come inline."""
    name = ".".join(_key(step) for step in path if isinstance(step, str))
    lines = [f"[{name}]" if isinstance(path[-1], str) else f"[[{name}]]"]
    lists = {key: value for key, value in table.items() if isinstance(value, list) and value}
    inner = {key: value for key, value in lists.items() if all(isinstance(each, dict) for each in value)}
    lines += [f"{_key(key)} = {_inline(value)}" for key, value in table.items() if key not in inner]
    for key, tables in inner.items():
        for each in tables:
            lines += ["", *_lines((*path, key, None), each)]
    return lines


def _key(name: str) -> str:
    return name if _PLAIN_KEY.fullmatch(name) else _string(name)


def _inline(value: object) -> str:
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(key)} = {_inline(each)}' for key, each in value.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_inline, value))}]"
    return _string(value) if isinstance(value, str) else json.dumps(value, default=str)


def _string(value: str) -> str:
    """Returns a TOML string. JSON escapes differ only for DEL and lone surrogates, which our paths never contain."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
