"""The tools of the terminal client and of VS Code: what each does, what a call is about, and what it changes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from carryover.agents.copilot.builder import Todo
from carryover.model import Op, PlanState, PlanUpdate
from carryover.records import shell_files
from carryover.records.asked import plan_items
from carryover.records.changes import Change, Replacement, hunks_in, patched, replaced
from carryover.records.fields import MAX_NAME_CHARS, SHORT_CHARS, SUBJECT_CHARS, bounded
from carryover.records.lenient import Fields, first_text
from carryover.records.patches import added, files_in_patch, in_patch, place_of
from carryover.records.text import names_handoff_file

MAX_TODOS: Final = 100
MAX_CHANGES: Final = 20
"""Most changes kept for one call until its result comes."""

_NAMES: Final[dict[Op, str]] = {
    "shell": "bash powershell localshell "
    "runinterminal runinterminal2 runtask createandruntask runtests runtest runvscodecommand",
    "read": "view showfile "
    "readfile readnotebookcelloutput getnotebooksummary geterrors getterminaloutput getchangedfiles "
    "terminallastcommand terminalselection viewimage readprojectstructure testfailure gettaskoutput",
    "edit": "edit applypatch "
    "replacestring replacestringinfile multireplacestring multireplacestringinfile insertedit "
    "inserteditintofile editfile editfiles editnotebook editnotebookfile internaleditfile",
    "write": "create createfile createnewjupyternotebook createnewworkspace createdirectory newnotebook",
    "search": "glob grep rg "
    "findfiles filesearch findtextinfiles grepsearch searchcodebase semanticsearch codebase "
    "listdirectory listdir searchworkspacesymbols findtestfiles listcodeusages usages searchresults",
    "web": "webfetch websearch fetchcopilotclidocumentation "
    "fetchwebpage githubrepo opensimplebrowser fetchwebpageinternal",
    "plan": "updatetodo exitplanmode managetodolist todos",
    "ask": "askuser askquestions",
    "agent": "task runsubagent searchsubagent executionsubagent",
}
OPS: Final[dict[str, Op]] = {name: op for op, names in _NAMES.items() for name in names.split()}
"""Operations of the known tools. All others, including those of MCP servers, are `other`."""

_PREFIX: Final = re.compile(r"\A(?:copilot|vscode)_")
_OWN_FILES: Final = re.compile(r"/session-state/[0-9a-fA-F-]{36}/")
"""The plan and notes that the client keeps with a session (1.0.102)."""
PATHS: Final = ("filePath", "path", "dirPath")
_ABOUT: Final = ("command", "pattern", "url", "urls", "query", *PATHS, "description", "task")
_ABOUT_BY_OP: Final[dict[Op, tuple[str, ...]]] = {
    **dict.fromkeys(("read", "edit", "write"), (*PATHS, "command")),
    **dict.fromkeys(("agent", "other"), ("description", "command", *PATHS, "query", "url", "skill", "pattern", "task")),
    "ask": ("message", "question"),
    "plan": ("description", "summary"),
}
_STATES: Final[dict[str, PlanState]] = {"in_progress": "active", "done": "done"}

_STRING: Final = r"'(?:[^']|'')*'"
_STATEMENT: Final = re.compile(rf"(?:{_STRING}|[^';])+")
_INSERT: Final = re.compile(
    r"\s*INSERT\s(?P<how>[\w\s]*)\bINTO\s+todos\s*\((?P<names>[\w\s,\"]+)\)\s*VALUES\s*(?P<rows>\(.*\))\s*",
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
_PARTS: Final = re.compile(r"^(?=diff --git )", re.MULTILINE)
_FILE: Final = re.compile(r"diff --git a/?(?P<old>/?.+?) b/?(?P<new>/.+|[^/].*)$", re.MULTILINE)
_KIND: Final = re.compile(r"^(create|new|deleted) file mode", re.MULTILINE)


def op_of(name: str) -> Op:
    """Returns the operation of a tool, whose name differs by version: `copilot_runInTerminal`, `run_in_terminal`."""
    return OPS.get(_PREFIX.sub("", name).replace("_", "").lower(), "other")


def subject_in(op: Op, given: Fields) -> str:
    """Returns what a call is about according to its arguments, bounded."""
    if patch := patch_in(given):
        return next(iter(files_in_patch(patch)), "")
    return bounded(first_text(given, *_ABOUT_BY_OP.get(op, _ABOUT)), SUBJECT_CHARS)


def patch_in(given: Fields) -> str:
    """Returns the patch of an `apply_patch` call; empty for other calls."""
    text = first_text(given, "input", "patch")
    return text if text.lstrip().startswith("*** Begin Patch") else ""


def planned(op: Op, given: Fields, cwd: str | None) -> tuple[Change, ...]:
    """Returns the changes that a call asks for, as far as its arguments show them."""
    if op == "shell":
        return _of_work(shell_files.changes(first_text(given, "command"), cwd))
    if op not in ("edit", "write"):
        return ()
    place = place_of(first_text(given, "path"), cwd)
    found: tuple[Change, ...] = ()
    if patch := patch_in(given):
        found = in_patch(patch, cwd)
    elif place is not None and op == "write":
        found = (added(place, first_text(given, "file_text")),)
    elif place is not None:
        pair = Replacement(first_text(given, "old_str"), first_text(given, "new_str"))
        found = (replaced(place, [pair], counted=True),)
    return _of_work(found)


def todos_in(raw: msgspec.Raw | None) -> PlanUpdate | None:
    """Returns the todo list in a field; None if there is no list."""
    return PlanUpdate(items=plan_items(raw, "title", most=MAX_TODOS)) if bytes(raw or b"")[:1] == b"[" else None


def applied(planned: Sequence[Change], diff: str) -> tuple[Change, ...]:
    """Returns the changes that were made, with positions and counts from the diff."""
    known = {change.path: change for change in planned}
    for change in filter(None, map(_in_part, _PARTS.split(diff))):
        before = known.get(change.path, change)
        kind = "add" if before.change == "add" else change.change
        known[change.path] = msgspec.structs.replace(change, change=kind, old_path=before.old_path)
    return _of_work(known.values())


def _of_work(changes: Iterable[Change]) -> tuple[Change, ...]:
    of_work = (each for each in changes if not (_OWN_FILES.search(each.path) or names_handoff_file(each.path)))
    return tuple(of_work)[:MAX_CHANGES]


def _in_part(part: str) -> Change | None:
    header = _FILE.match(part)
    if header is None:
        return None
    path = f"/{header['new'].lstrip('/')}"
    kind = _KIND.search(part.partition("\n@@ ")[0])
    if kind is not None and kind[1] == "deleted":
        return Change(path=path, change="delete")
    change = patched(Change(path=path, change="modify"), hunks_in(part))
    return change if kind is None else msgspec.structs.replace(change, change="add")


def after_sql(todos: tuple[Todo, ...], query: str) -> tuple[Todo, ...]:
    """Returns the rows after the statements in `query`, unchanged if none concerns them.

    Only plain ones are understood: those that insert rows of texts, and those that set a status or delete by id.
    """
    known = {todo.id: todo for todo in todos}
    for statement in _STATEMENT.findall(query):
        if found := _INSERT.fullmatch(statement):
            names = [name.strip(' "\n\t').lower() for name in found["names"].split(",")]
            for values in _ROW.findall(found["rows"]):
                row = {name: _text(value) for name, value in zip(names, _VALUE.findall(values), strict=False)}
                ident = row.get("id", "")
                text = row.get("title") or row.get("description", "")
                is_ignored = ident in known and "ignore" in found["how"].lower()
                if 0 < len(ident) <= MAX_NAME_CHARS and text and not is_ignored:
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
