"""Todo lists: rows that the model keeps with SQL (`todos`), and Markdown checklists (`plan.md`, older tools).

Only plain SQL statements are read: the value of an expression or a query is unknown without the database.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from carryover.model import PlanItem, PlanState, PlanUpdate
from carryover.records.fields import MAX_NAME_CHARS, SHORT_CHARS, bounded

MAX_TODOS: Final = 100
_MAX_SQL_CHARS: Final = 40_000
_STATES: Final[dict[str, PlanState]] = {
    "pending": "pending",
    "blocked": "pending",
    "in_progress": "active",
    "done": "done",
}

_STRING: Final = r"'(?:[^']|'')*'"
_INSERT: Final = re.compile(
    r"\s*INSERT\s+(?:OR\s+(?P<or>\w+)\s+)?INTO\s+todos\s*\((?P<names>[\w\s,\"]+)\)\s*VALUES\s*(?P<rows>\(.*\))\s*",
    re.IGNORECASE | re.DOTALL,
)
_IDS: Final = rf"\s+WHERE\s+id\s*(?:=|IN\s*\()\s*(?P<ids>{_STRING}(?:\s*,\s*{_STRING})*)\s*\)?"
_CHANGE: Final = re.compile(
    rf"\s*(?:UPDATE\s+todos\s+SET\s+(?P<sets>.*?)|DELETE\s+FROM\s+todos)(?:{_IDS})?\s*", re.IGNORECASE | re.DOTALL
)
_WHERE: Final = re.compile(r"\bWHERE\b", re.IGNORECASE)
_SET: Final = re.compile(rf"\b(?P<name>status|title)\s*=\s*(?P<value>{_STRING})", re.IGNORECASE)
_TOKEN: Final = re.compile(rf"{_STRING}|[^'();,]+|[();,]", re.DOTALL)
_BOX: Final = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+\[(?P<mark>[ xX~/-])\]\s+(?P<text>\S.*)$", re.MULTILINE)


class Todo(msgspec.Struct, frozen=True, omit_defaults=True):
    """One row of the table `todos`."""

    id: str
    text: str
    state: PlanState = "pending"


def after_sql(todos: tuple[Todo, ...], query: str) -> tuple[Todo, ...]:
    """Returns the rows after the plain statements in `query`, unchanged if none concerns them."""
    if len(query) > _MAX_SQL_CHARS or "todos" not in query.lower():
        return todos
    tokens = _TOKEN.findall(query)
    for statement in "".join("\0" if token == ";" else token for token in tokens).split("\0"):
        todos = _after(todos, statement)
    return todos[-MAX_TODOS:]


def as_update(todos: tuple[Todo, ...]) -> PlanUpdate:
    """Returns the event that sets the whole list."""
    return PlanUpdate(items=tuple(PlanItem(text=todo.text, state=todo.state) for todo in todos))


def boxes(text: str) -> PlanUpdate | None:
    """Returns the checklist in a Markdown text; None if it has none."""
    found = [
        PlanItem(text=bounded(box["text"].strip(), SHORT_CHARS), state=_box_state(box["mark"]))
        for box in _BOX.finditer(text)
    ]
    return PlanUpdate(items=tuple(found[:MAX_TODOS])) if found else None


def _box_state(mark: str) -> PlanState:
    return "done" if mark in "xX" else "pending" if mark == " " else "active"


def _after(todos: tuple[Todo, ...], statement: str) -> tuple[Todo, ...]:
    if found := _INSERT.fullmatch(statement):
        return _inserted(todos, found)
    found = _CHANGE.fullmatch(statement)
    if found is None:
        return todos
    ids = None if found["ids"] is None else {_text(quoted) for quoted in re.findall(_STRING, found["ids"])}
    if (sets := found["sets"]) is None:
        return tuple(todo for todo in todos if ids is not None and todo.id not in ids)
    if _WHERE.search(re.sub(_STRING, "", sets)):
        return todos  # by another column
    given = {one["name"].lower(): _text(one["value"]) for one in _SET.finditer(sets)}
    changes: dict[str, str] = {"text": bounded(given["title"], SHORT_CHARS)} if "title" in given else {}
    changes |= {"state": _state(given["status"])} if "status" in given else {}
    return tuple(msgspec.structs.replace(todo, **changes) if ids is None or todo.id in ids else todo for todo in todos)


def _inserted(todos: tuple[Todo, ...], found: re.Match[str]) -> tuple[Todo, ...]:
    names = [name.strip(' "\n\t').lower() for name in found["names"].split(",")]
    for values in _rows(found["rows"]):
        row = dict(zip(names, values, strict=False))
        ident, text = row.get("id") or "", row.get("title") or row.get("description") or ""
        if not ident or not text or len(ident) > MAX_NAME_CHARS:
            continue
        if any(todo.id == ident for todo in todos):
            if (found["or"] or "").lower() == "ignore":
                continue
            todos = tuple(todo for todo in todos if todo.id != ident)
        todos = (*todos, Todo(ident, bounded(text, SHORT_CHARS), _state(row.get("status") or "pending")))
    return todos


def _state(word: str) -> PlanState:
    return _STATES.get(word.lower(), "pending")


def _text(quoted: str) -> str:
    return quoted[1:-1].replace("''", "'")


def _rows(text: str) -> list[list[str | None]]:
    """Returns the tuples of a VALUES list, with None for values that are not text."""
    rows: list[list[str | None]] = []
    depth = 0
    for token in _TOKEN.findall(text):
        if token == "(":
            depth += 1
            if depth == 1:
                rows.append([None])
        elif token == ")":
            depth -= 1
        elif depth == 1 and token == ",":
            rows[-1].append(None)
        elif depth == 1 and token.startswith("'"):
            rows[-1][-1] = _text(token)
    return rows
