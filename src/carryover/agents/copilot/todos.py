"""Todo lists: rows that the model keeps with SQL (`todos`).

Only plain SQL statements are read: the value of an expression or a query is unknown without the database.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from carryover.model import PlanState
from carryover.records.fields import MAX_NAME_CHARS, SHORT_CHARS, bounded

MAX_TODOS: Final = 100
_MAX_SQL_CHARS: Final = 40_000
_STATES: Final[dict[str, PlanState]] = {"in_progress": "active", "done": "done"}

_STRING: Final = r"'(?:[^']|'')*'"
_STATEMENT: Final = re.compile(rf"(?:{_STRING}|[^';])+")
_INSERT: Final = re.compile(
    r"\s*INSERT\s+(?:OR\s+(?P<or>\w+)\s+)?INTO\s+todos\s*\((?P<names>[\w\s,\"]+)\)\s*VALUES\s*(?P<rows>\(.*\))\s*",
    re.IGNORECASE | re.DOTALL,
)
_ROW: Final = re.compile(rf"\(((?:{_STRING}|[^'()]|\([^'()]*\))*)\)")
_VALUE: Final = re.compile(rf"\s*({_STRING})?(?:\([^)]*\)|[^',(])*(?:,|\Z)")
_CHANGE: Final = re.compile(
    rf"\s*(?:UPDATE\s+todos\s+SET\s+(?P<sets>(?:{_STRING}|(?!\bWHERE\b)[^'])*?)|DELETE\s+FROM\s+todos)"
    rf"(?:\s+WHERE\s+id\s*(?:=|IN\s*\()\s*(?P<ids>{_STRING}(?:\s*,\s*{_STRING})*)\s*\)?)?\s*",
    re.IGNORECASE | re.DOTALL,
)
_SET: Final = re.compile(rf"\b(?P<name>status|title)\s*=\s*(?P<value>{_STRING})", re.IGNORECASE)


class Todo(msgspec.Struct, frozen=True, omit_defaults=True):
    """One row of the table `todos`."""

    id: str
    text: str
    state: PlanState = "pending"


def after_sql(todos: tuple[Todo, ...], query: str) -> tuple[Todo, ...]:
    """Returns the rows after the plain statements in `query`, unchanged if none concerns them."""
    if len(query) > _MAX_SQL_CHARS or "todos" not in query.lower():
        return todos
    for statement in _STATEMENT.findall(query):
        if found := _INSERT.fullmatch(statement):
            todos = _inserted(todos, found)
        elif found := _CHANGE.fullmatch(statement):
            todos = _changed(todos, found)
    return todos[-MAX_TODOS:]


def _changed(todos: tuple[Todo, ...], found: re.Match[str]) -> tuple[Todo, ...]:
    ids = None if found["ids"] is None else {_text(quoted) for quoted in re.findall(_STRING, found["ids"])}
    if found["sets"] is None:
        return tuple(todo for todo in todos if ids is not None and todo.id not in ids)
    given = {one["name"].lower(): _text(one["value"]) for one in _SET.finditer(found["sets"])}
    changes: dict[str, str] = {"text": bounded(given["title"], SHORT_CHARS)} if "title" in given else {}
    changes |= {"state": _state(given["status"])} if "status" in given else {}
    return tuple(msgspec.structs.replace(todo, **changes) if ids is None or todo.id in ids else todo for todo in todos)


def _inserted(todos: tuple[Todo, ...], found: re.Match[str]) -> tuple[Todo, ...]:
    names = [name.strip(' "\n\t').lower() for name in found["names"].split(",")]
    for values in _ROW.findall(found["rows"]):
        # None for values that are not text.
        row = {name: _text(value) for name, value in zip(names, _VALUE.findall(values), strict=False) if value}
        ident, text = row.get("id", ""), row.get("title") or row.get("description", "")
        is_known = any(todo.id == ident for todo in todos)
        if (
            not ident
            or not text
            or len(ident) > MAX_NAME_CHARS
            or (is_known and (found["or"] or "").lower() == "ignore")
        ):
            continue
        todo = Todo(ident, bounded(text, SHORT_CHARS), _state(row.get("status", "")))
        todos = (*(other for other in todos if other.id != ident), todo)
    return todos


def _state(word: str) -> PlanState:
    return _STATES.get(word.lower(), "pending")


def _text(quoted: str) -> str:
    return quoted[1:-1].replace("''", "'")
