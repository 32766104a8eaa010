"""Todo lists: rows that the model keeps with SQL (`todos`), in a database that is not read.

Only plain statements are understood: those that insert rows of texts, and those that set a status or delete by id.
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
    r"\s*INSERT\s[\w\s]*\bINTO\s+todos\s*\((?P<names>[\w\s,\"]+)\)\s*VALUES\s*(?P<rows>\(.*\))\s*",
    re.IGNORECASE | re.DOTALL,
)
_ROW: Final = re.compile(rf"\(((?:{_STRING}|[^'()]|\([^'()]*\))*)\)")
_VALUE: Final = re.compile(rf"\s*({_STRING})?(?:\([^)]*\)|[^',(])*(?:,|\Z)")
_CHANGE: Final = re.compile(
    rf"\s*(?:UPDATE\s+todos\s+SET\s+(?P<sets>(?:{_STRING}|(?!\bWHERE\b)[^'])*?)|DELETE\s+FROM\s+todos)"
    rf"(?:\s+WHERE\s+id\s*(?:=|IN\s*\()\s*(?P<ids>{_STRING}(?:\s*,\s*{_STRING})*)\s*\)?)?\s*",
    re.IGNORECASE | re.DOTALL,
)
_STATUS: Final = re.compile(rf"\bstatus\s*=\s*({_STRING})", re.IGNORECASE)


class Todo(msgspec.Struct, frozen=True, omit_defaults=True):
    """One row of the table `todos`."""

    id: str
    text: str
    state: PlanState = "pending"


def after_sql(todos: tuple[Todo, ...], query: str) -> tuple[Todo, ...]:
    """Returns the rows after the plain statements in `query`, unchanged if none concerns them."""
    known = {todo.id: todo for todo in todos}
    for statement in _STATEMENT.findall(query) if len(query) <= _MAX_SQL_CHARS else ():
        if found := _INSERT.fullmatch(statement):
            names = [name.strip(' "\n\t').lower() for name in found["names"].split(",")]
            for values in _ROW.findall(found["rows"]):
                row = {name: _text(value) for name, value in zip(names, _VALUE.findall(values), strict=False)}
                ident, text = row.get("id", ""), row.get("title") or row.get("description", "")
                if 0 < len(ident) <= MAX_NAME_CHARS and text:
                    known[ident] = Todo(ident, bounded(text, SHORT_CHARS), _state(row.get("status", "")))
        elif found := _CHANGE.fullmatch(statement):
            ids = list(known) if found["ids"] is None else map(_text, re.findall(_STRING, found["ids"]))
            status = _STATUS.search(found["sets"] or "")
            for ident in filter(known.__contains__, ids):
                if found["sets"] is None:
                    del known[ident]
                elif status is not None:
                    known[ident] = msgspec.structs.replace(known[ident], state=_state(_text(status[1])))
    return tuple(known.values())[-MAX_TODOS:]


def _state(word: str) -> PlanState:
    return _STATES.get(word.lower(), "pending")


def _text(quoted: str) -> str:
    return quoted[1:-1].replace("''", "'")
