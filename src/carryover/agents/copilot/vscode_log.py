"""A chat of VS Code as it is on disk: a log of mutations (1.109 and later), or one JSON object (before, and exports).

The first line of a log is the whole state; each further line sets a value, cuts and extends a list, or deletes a value,
at a path.
"""

from __future__ import annotations

import re
from typing import Any, Final, Literal

import msgspec

from carryover.records import rawjson
from carryover.records.lenient import Fields, read_as

MAX_INDEX: Final = 1_000_000

Problem = Literal["not JSON", "no initial state", "unexpected entry", "unexpected path", "nothing in it"]
"""Why a chat cannot be read."""

_INITIAL, _SET, _PUSH, _DELETE = range(4)
_LOG: Final = re.compile(rb'\s*\{\s*"kind"\s*:\s*\d')


class Entry(msgspec.Struct, frozen=True):
    """One line of a log."""

    kind: int
    k: tuple[str | int, ...] = ()
    v: Any = None
    i: int | None = None


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

    A last line that is no JSON and has no newline is not there yet.
    """
    state: dict[str, Any] | None = None
    problem: Problem | None = None
    *complete, rest = map(bytes.strip, data.split(b"\n"))
    for line in filter(None, (*complete, rest)):
        entry = rawjson.read(_ENTRY, line)
        if line is rest and entry == "not JSON":
            break
        if isinstance(entry, str):
            problem = "not JSON" if entry == "not JSON" else "unexpected entry"
        elif entry.kind == _INITIAL and isinstance(entry.v, dict):
            state = entry.v
        elif entry.kind in (_SET, _PUSH, _DELETE):
            problem = "no initial state" if state is None else _applied(state, entry)
        else:
            problem = "unexpected entry"
        if problem is not None:
            break
    if state is None:
        return None, problem or "nothing in it"
    return {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in state.items()}, problem


def _applied(state: dict[str, Any], entry: Entry) -> Problem | None:
    """Applies a line, or says why it cannot be."""
    try:
        at: Any = state
        *way, last = entry.k or ("",)
        for step in way:
            at = at[step]
        if not entry.k:
            return None
        if entry.kind == _PUSH:
            _push(at, last, entry)
        elif entry.kind == _DELETE and isinstance(at, dict):
            at.pop(last, None)
        else:
            _put(at, last, entry.v)
    except (LookupError, TypeError, ValueError):
        return "unexpected path"
    return None


def _push(at: Any, last: Any, entry: Entry) -> None:
    """A list that is cut to length `i`, if given, and extended by `v`. What was no list becomes one."""
    found = at.get(last) if isinstance(at, dict) else at[last]
    if not isinstance(found, list):
        found = []
        _put(at, last, found)
    if entry.i is not None:
        if not 0 <= entry.i <= MAX_INDEX:
            raise ValueError
        del found[entry.i :]
    found.extend(entry.v if isinstance(entry.v, list) else ())


def _put(at: Any, last: Any, value: Any) -> None:
    if not isinstance(at, dict if isinstance(last, str) else list):
        raise TypeError
    if isinstance(at, list) and last == len(at):
        at.append(value)
    else:
        at[last] = value
