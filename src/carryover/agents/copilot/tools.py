"""The tools of the terminal client and of VS Code: what each does, what a call is about, and what it changes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from carryover.model import Op, PlanState
from carryover.records import shell_files
from carryover.records.asked import Todo
from carryover.records.changes import Change, Replacement, hunks_in, patched, replaced
from carryover.records.fields import MAX_NAME_CHARS, SHORT_CHARS, SUBJECT_CHARS, bounded
from carryover.records.lenient import Fields, first_text
from carryover.records.patches import added, files_in_patch, in_patch, place_of
from carryover.records.text import names_handoff_file
from carryover.text.pattern import later
from carryover.transcript.recorder import Tools

PATHS: Final = ("filePath", "path", "dirPath")
_PREFIX: Final = later(r"\A(?:copilot|vscode)_")
TOOLS: Final = Tools(
    {
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
    },
    about=("command", "pattern", "url", "urls", "query", *PATHS, "description", "task"),
    about_by_op={
        **dict.fromkeys(("read", "edit", "write"), (*PATHS, "command")),
        **dict.fromkeys(
            ("agent", "other"), ("description", "command", *PATHS, "query", "url", "skill", "pattern", "task")
        ),
        "ask": ("message", "question"),
        "plan": ("description", "summary"),
    },
    plain=lambda name: _PREFIX.sub("", name).replace("_", "").lower(),
)
"""Names differ by version: `copilot_runInTerminal`, `run_in_terminal`."""
MAX_TODOS: Final = 100
_MOST_CHANGES: Final = 20
_EDITOR: Final = "str_replace_editor"
_OWN_FILES: Final = later(r"/session-state/[0-9a-fA-F-]{36}/")
"""The plan and notes that the client keeps with a session (1.0.102)."""
_STATES: Final[dict[str, PlanState]] = {"in_progress": "active", "done": "done"}

_STRING: Final = r"'(?:[^']|'')*'"
_STRINGS: Final = later(_STRING)
_STATEMENT: Final = later(rf"(?:{_STRING}|[^';])+")
_INSERT: Final = later(
    r"\s*INSERT\s(?P<how>[\w\s]*)\bINTO\s+todos\s*\((?P<names>[\w\s,\"]+)\)\s*VALUES\s*(?P<rows>\(.*\))\s*",
    re.IGNORECASE | re.DOTALL,
)
_ROW: Final = later(rf"\(((?:{_STRING}|[^'()]|\([^'()]*\))*)\)")
_VALUE: Final = later(rf"\s*({_STRING})?(?:\([^)]*\)|[^',(])*(?:,|\Z)")
_CHANGE: Final = later(
    rf"\s*(?:UPDATE\s+todos\s+SET\s+(?P<sets>(?:{_STRING}|(?!\bWHERE\b)[^'])*?)|DELETE\s+FROM\s+todos)"
    rf"(?:\s+WHERE\s+id\s*(?:=|IN\s*\()\s*(?P<ids>{_STRING}(?:\s*,\s*{_STRING})*)\s*\)?)?\s*",
    re.IGNORECASE | re.DOTALL,
)
_STATUS: Final = later(rf"\bstatus\s*=\s*({_STRING})", re.IGNORECASE)
_PARTS: Final = later(r"^(?=diff --git )", re.MULTILINE)
_FILE: Final = later(r"diff --git a/?(?P<old>/?.+?) b/?(?P<new>/.+|[^/].*)$", re.MULTILINE)
_KIND: Final = later(r"^(create|new|deleted) file mode", re.MULTILINE)


def editor_command(name: str, given: Fields) -> str:
    """Returns the tool that a call amounts to: before 0.0.350, one tool both views and changes files, depending on
    `command`."""
    command = first_text(given, "command")
    return name if name != _EDITOR else command if command in ("view", "create") else "edit"


def subject_in(op: Op, given: Fields) -> str:
    """Returns what a call is about according to its arguments, bounded."""
    if patch := _patch_in(given):
        return next(iter(files_in_patch(patch)), "")
    return bounded(TOOLS.about(op, given), SUBJECT_CHARS)


def _patch_in(given: Fields) -> str:
    """Returns the patch of an `apply_patch` call; empty for other calls."""
    text = first_text(given, "input", "patch")
    return text if text.lstrip().startswith("*** Begin Patch") else ""


def planned(op: Op, given: Fields, cwd: str | None) -> tuple[Change, ...]:
    """Returns the changes that a call asks for, as far as its arguments show them."""
    place = place_of(first_text(given, "path"), cwd)
    if op == "shell":
        return _of_work(shell_files.changes(first_text(given, "command"), cwd))
    if op in ("edit", "write") and (patch := _patch_in(given)):
        return _of_work(in_patch(patch, cwd))
    if op == "write" and place is not None:
        return _of_work([added(place, first_text(given, "file_text"))])
    pair = Replacement(first_text(given, "old_str"), first_text(given, "new_str"))
    return _of_work([replaced(place, [pair], counted=True)]) if op == "edit" and place is not None else ()


def applied(planned: Sequence[Change], diff: str) -> tuple[Change, ...]:
    """Returns the changes that were made, with positions and counts from the diff."""
    known = {change.path: change for change in planned}
    for change in filter(None, map(_in_part, _PARTS.split(diff))):
        before = known.get(change.path, change)
        kind = "add" if before.change == "add" else change.change
        known[change.path] = msgspec.structs.replace(change, change=kind, old_path=before.old_path)
    return _of_work(known.values())


def _of_work(changes: Iterable[Change]) -> tuple[Change, ...]:
    kept = (each for each in changes if not (_OWN_FILES.search(each.path) or names_handoff_file(each.path)))
    return tuple(kept)[:_MOST_CHANGES]


def _in_part(part: str) -> Change | None:
    header = _FILE.match(part)
    if header is None:
        return None
    path = f"/{header['new'].lstrip('/')}"
    kind = _KIND.search(part.partition("\n@@ ")[0])
    if kind is not None and kind[1] == "deleted":
        return Change(path=path, change="delete")
    change = patched(Change(path=path, change="modify"), hunks_in(part))
    return msgspec.structs.replace(change, change="modify" if kind is None else "add")


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
            ids = list(known) if found["ids"] is None else map(_text, _STRINGS.findall(found["ids"]))
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
