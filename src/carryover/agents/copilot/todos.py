"""Todo lists: rows that the model keeps with SQL (`todos`), and lists with boxes in Markdown (`plan.md`, older tools).

Of SQL only plain statements are read: what an expression or a query gives is unknown without the database.
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
_UPDATE: Final = re.compile(
    rf"\s*UPDATE\s+todos\s+SET\s+(?P<sets>.*?)(?:\s+WHERE\s+id\s*(?:=\s*(?P<id>{_STRING})|IN\s*\((?P<ids>[^()]*)\)))?\s*",
    re.IGNORECASE | re.DOTALL,
)
_DELETE: Final = re.compile(
    rf"\s*DELETE\s+FROM\s+todos(?:\s+WHERE\s+id\s*(?:=\s*(?P<id>{_STRING})|IN\s*\((?P<ids>[^()]*)\)))?\s*",
    re.IGNORECASE | re.DOTALL,
)
_WHERE: Final = re.compile(r"\bWHERE\b", re.IGNORECASE)
_SET_STATE: Final = re.compile(rf"\bstatus\s*=\s*(?P<state>{_STRING})", re.IGNORECASE)
_SET_TITLE: Final = re.compile(rf"\btitle\s*=\s*(?P<title>{_STRING})", re.IGNORECASE)
_BOX: Final = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+\[(?P<mark>[ xX~/-])\]\s+(?P<text>\S.*)$", re.MULTILINE)


class Todo(msgspec.Struct, frozen=True, omit_defaults=True):
    """One row of `todos`."""

    id: str
    text: str
    state: PlanState = "pending"


def after_sql(todos: tuple[Todo, ...], query: str) -> tuple[Todo, ...]:
    """The rows after the plain statements of `query`; the same where it holds none about them."""
    if len(query) > _MAX_SQL_CHARS or "todos" not in query.lower():
        return todos
    for statement in _statements(query):
        todos = _after(todos, statement)
    return todos[-MAX_TODOS:]


def as_update(todos: tuple[Todo, ...]) -> PlanUpdate:
    """Returns the event that sets the whole list."""
    return PlanUpdate(items=tuple(PlanItem(text=todo.text, state=todo.state) for todo in todos))


def boxes(text: str) -> PlanUpdate | None:
    """The list with boxes in a Markdown text, None where there is none."""
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
    if found := _UPDATE.fullmatch(statement):
        if _WHERE.search(re.sub(_STRING, "", found["sets"])):
            return todos  # by another column
        ids = _ids(found)
        state, title = _SET_STATE.search(found["sets"]), _SET_TITLE.search(found["sets"])
        changes = {
            **({"state": _state(_text(state["state"]))} if state else {}),
            **({"text": bounded(_text(title["title"]), SHORT_CHARS)} if title else {}),
        }
        return tuple(
            msgspec.structs.replace(todo, **changes) if ids is None or todo.id in ids else todo for todo in todos
        )
    if found := _DELETE.fullmatch(statement):
        ids = _ids(found)
        return tuple(todo for todo in todos if ids is not None and todo.id not in ids)
    return todos


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


def _ids(found: re.Match[str]) -> set[str] | None:
    """The ids that a statement names, None where it is about all rows."""
    if found["id"] is not None:
        return {_text(found["id"])}
    if found["ids"] is not None:
        return {_text(quoted) for quoted in re.findall(_STRING, found["ids"])}
    return None


def _state(word: str) -> PlanState:
    return _STATES.get(word.lower(), "pending")


def _text(quoted: str) -> str:
    return quoted[1:-1].replace("''", "'")


_TOKEN: Final = re.compile(rf"{_STRING}|[^'();,]+|[();,]", re.DOTALL)


def _statements(query: str) -> list[str]:
    statements = [""]
    for token in _TOKEN.findall(query):
        if token == ";":
            statements.append("")
        else:
            statements[-1] += token
    return statements


def _rows(text: str) -> list[list[str | None]]:
    """The tuples of a VALUES list; None for values that are no text."""
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
