"""A chat of VS Code as it is on disk: a log of mutations (1.109 and later), or one JSON object (before, and exports).

The first line of a log is the whole state; each further line sets a value, cuts and extends a list, or deletes a value,
at a path. Only what is on such a path is decoded: a chat may hold many megabytes that are not needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from carryover.records import rawjson
from carryover.records.lenient import Fields, read_as

MAX_INDEX: Final = 1_000_000

Node = msgspec.Raw | dict[str, "Node"] | list["Node"]
"""A value of the state: as it was written, or opened where a line changed something below it."""

Problem = Literal["not JSON", "no initial state", "unexpected entry", "unexpected path", "nothing in it"]
"""Why a chat cannot be read."""

_INITIAL, _SET, _PUSH, _DELETE = range(4)


class Entry(msgspec.Struct, frozen=True):
    """One line of a log."""

    kind: int
    k: tuple[str | int, ...] = ()
    v: msgspec.Raw = rawjson.ABSENT
    i: int | None = None


class _NoSuchPlace(Exception):
    """A path leads to nothing that can be changed."""


_LOG: Final = re.compile(rb'\s*\{\s*"kind"\s*:\s*\d')
_ENTRY: Final = msgspec.json.Decoder(Entry)


def is_log(data: bytes) -> bool:
    """Whether a file is a log, by its first line."""
    return _LOG.match(data) is not None


def state_of(data: bytes) -> tuple[Fields | None, Problem | None]:
    """The chat in a file that holds one JSON object, or why there is none."""
    if not data.strip():
        return None, "nothing in it"
    found = read_as(data, Fields)
    return found, "not JSON" if found is None else None


def replayed(data: bytes) -> tuple[Fields | None, Problem | None]:
    """The chat that a log comes to, up to the first line that cannot be applied, and what is wrong with that.

    A last line without a newline is not there yet.
    """
    state: Node | None = None
    problem: Problem | None = None
    for line in _lines(data):
        found = _applied(state, line)
        if isinstance(found, str):
            problem = found
            break
        state = found
    if state is None:
        return None, problem or "nothing in it"
    opened = _opened(state)
    if not isinstance(opened, dict):
        return None, problem or "unexpected entry"
    return {name: _closed(node) for name, node in opened.items()}, problem


def _applied(state: Node | None, line: bytes) -> Node | Problem:
    """The state after a line, or why it cannot be applied."""
    entry = rawjson.read(_ENTRY, line)
    if isinstance(entry, str):
        return "not JSON" if entry == "not JSON" else "unexpected entry"
    if entry.kind == _INITIAL:
        return entry.v
    if state is None:
        return "no initial state"
    if entry.kind not in (_SET, _PUSH, _DELETE):
        return "unexpected entry"
    try:
        return _changed(state, entry) if entry.k else state
    except _NoSuchPlace:
        return "unexpected path"


def _lines(data: bytes) -> Iterator[bytes]:
    start = 0
    while (end := data.find(b"\n", start)) >= 0:
        if line := data[start:end].strip():
            yield line
        start = end + 1


def _changed(state: Node, entry: Entry) -> Node:
    root = at = _opened(state)
    *way, last = entry.k
    for step in way:
        at = _below(at, step)
    if entry.kind == _PUSH:
        _put(at, last, _pushed(_existing(at, last), entry))
    elif entry.kind == _SET:
        _put(at, last, entry.v)
    elif isinstance(at, dict):
        at.pop(str(last), None)
    else:
        _put(at, last, rawjson.ABSENT)
    return root


def _below(at: Node, step: str | int) -> Node:
    """What is at a step of a path, opened in its place."""
    opened = _opened(_existing(at, step))
    _put(at, step, opened)
    return opened


def _existing(at: Node, step: str | int) -> Node:
    if isinstance(at, dict):
        return at.get(str(step), rawjson.ABSENT)
    if isinstance(at, list) and isinstance(step, int) and 0 <= step < len(at):
        return at[step]
    if isinstance(at, list) and step == len(at):
        return rawjson.ABSENT
    raise _NoSuchPlace


def _put(at: Node, step: str | int, value: Node) -> None:
    if isinstance(at, dict):
        at[str(step)] = value
    elif isinstance(at, list) and isinstance(step, int) and 0 <= step < len(at):
        at[step] = value
    elif isinstance(at, list) and step == len(at):
        at.append(value)
    else:
        raise _NoSuchPlace


def _pushed(at: Node, entry: Entry) -> Node:
    """A list that is cut to length `i`, if given, and extended by `v`. What was no list becomes one."""
    opened = _opened(at)
    found = opened if isinstance(opened, list) else []
    if entry.i is not None:
        if not 0 <= entry.i <= MAX_INDEX:
            raise _NoSuchPlace
        del found[entry.i :]
    found.extend(read_as(entry.v, list[msgspec.Raw]) or ())
    return found


def _opened(node: Node) -> Node:
    """A value with its parts one by one, if it has any."""
    if not isinstance(node, msgspec.Raw):
        return node
    first = bytes(memoryview(node)[:1]) if len(node) else b""
    if first == b"{":
        fields = read_as(node, Fields)
        return node if fields is None else dict(fields)
    if first == b"[":
        items = read_as(node, list[msgspec.Raw])
        return node if items is None else list(items)
    return node


def _closed(node: Node) -> msgspec.Raw:
    return node if isinstance(node, msgspec.Raw) else msgspec.Raw(msgspec.json.encode(node))
