"""Tool calls and edits in VS Code chats: what a call is about, how it ended, and which files changed."""

from __future__ import annotations

import posixpath
import re
from typing import Final, Literal

import msgspec

from carryover.adapter.contract import ToolOutcome
from carryover.agents.copilot.vscode_wire import CANCELLED, COMPLETE, ToolPart, is_given
from carryover.model import Op, PlanUpdate
from carryover.records.asked import plan_items
from carryover.records.changes import Change
from carryover.records.fields import MAX_PATH_CHARS, SHORT_CHARS, SUBJECT_CHARS, bounded
from carryover.records.lenient import Fields, fields_of, items_of, number_of, text_of
from carryover.records.text import HANDOFF_FILE, names_own_folder, without_ansi
from carryover.records.uris import path_of

MAX_TODOS: Final = 100
MAX_EDITS: Final = 5_000
"""Most edits kept of one file in one answer."""
MAX_FILES: Final = 100

_NAMES: Final[dict[Op, str]] = {
    "shell": "runinterminal runinterminal2 runtask createandruntask runtests runtest runvscodecommand",
    "read": "readfile readnotebookcelloutput getnotebooksummary geterrors getterminaloutput getchangedfiles "
    "terminallastcommand terminalselection viewimage readprojectstructure testfailure gettaskoutput",
    "edit": "replacestring replacestringinfile multireplacestring multireplacestringinfile applypatch insertedit "
    "inserteditintofile editfile editfiles editnotebook editnotebookfile internaleditfile",
    "write": "createfile createnewjupyternotebook createnewworkspace createdirectory newnotebook",
    "search": "findfiles filesearch findtextinfiles grepsearch searchcodebase semanticsearch codebase "
    "listdirectory listdir searchworkspacesymbols findtestfiles listcodeusages usages searchresults",
    "web": "fetchwebpage githubrepo opensimplebrowser fetchwebpageinternal",
    "plan": "managetodolist todos",
    "ask": "askquestions",
    "agent": "runsubagent searchsubagent executionsubagent",
}
OPS: Final[dict[str, Op]] = {name: op for op, names in _NAMES.items() for name in names.split()}
"""Operations of the known tools. All others, including those of MCP servers, are `other`."""

_DENIED, _SKIPPED = 0, 5
"""Types of `isConfirmed`."""
_PREFIX: Final = re.compile(r"\A(?:copilot|vscode)_")
_LINK: Final = re.compile(r"\[([^\]]*)\]\(([^)\s]*)\)")
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S*")
_HERE: Final = ("file", "vscode-remote", "vscode-notebook-cell")
"""URI schemes for paths on this machine; chats about folders on another machine are not read."""
_EXTERNAL: Final[dict[str, Literal["add", "modify", "delete", "rename"]]] = {
    "create": "add",
    "edit": "modify",
    "delete": "delete",
    "rename": "rename",
}
ABOUT: Final = ("command", "filePath", "path", "dirPath", "query", "pattern", "url", "urls", "description", "task")
"""Arguments that describe a call, in order of preference."""


def op_of(name: str) -> Op:
    """Returns the operation of a tool, whose name differs by version: `copilot_runInTerminal`, `run_in_terminal`."""
    return OPS.get(_PREFIX.sub("", name).replace("_", "").lower(), "other")


def local_path(uri: msgspec.Raw | None) -> str | None:
    """Returns the absolute path in a URI, given as an object or as text; None for any scheme but `file`."""
    given = fields_of(uri)
    if given:
        path = text_of(given.get("path"))
        scheme = text_of(given.get("scheme")) or "file"
        found = (text_of(given.get("fsPath")) or path) if scheme == "file" else path
        if scheme not in _HERE or (text_of(given.get("authority")) and scheme == "file"):
            return None
    else:
        found = path_of(text_of(uri)) or ""
    if not found.startswith("/") or "\0" in found or len(found) > MAX_PATH_CHARS:
        return None
    return posixpath.normpath(found)


def command_of(data: Fields) -> str:
    """Returns the command line that ran, as changed by the user or the tool, without what only a sandbox needs."""
    line = fields_of(data.get("commandLine"))
    is_wrapped = bytes(line.get("isSandboxWrapped", b"")) == b"true"
    names = ("userEdited", "original", "toolEdited") if is_wrapped else ("userEdited", "toolEdited", "original")
    named = (text_of(line.get(name)) for name in names)
    return next(filter(None, named), "") or text_of(data.get("command")) or text_of(data.get("commandLine"))


def subject_of(tool: ToolPart) -> str:
    """Returns the subject of a call, bounded: the command, the file, the query, or the text that the chat shows."""
    data, message = tool.data, tool.invocation_message
    given = fields_of(data.get("rawInput"))
    found = (
        command_of(data),
        text_of(data.get("description")),
        next(filter(None, map(local_path, _uris_in(message))), ""),
        next(filter(None, (text_of(given.get(name)) for name in ABOUT)), ""),
        text_of(data.get("input")),
        _shown(message),
    )
    return bounded(next(filter(None, found), ""), SUBJECT_CHARS)


def is_about_handoff(tool: ToolPart) -> bool:
    """Whether a call reads or writes Carryover's own files, whose text must not be read as news."""
    return names_own_folder(f"{subject_of(tool)} {_markdown(tool.invocation_message)}")


def is_denied(tool: ToolPart) -> bool:
    """Whether the user rejected or skipped a call."""
    return number_of(fields_of(tool.is_confirmed).get("type")) in (_DENIED, _SKIPPED)


def has_result(tool: ToolPart) -> bool:
    """Whether a call has ended, by its own record."""
    given = (tool.result_details, tool.result_error, tool.data.get("terminalCommandState"))
    return is_denied(tool) or any(is_given(raw) for raw in given)


def outcome_of(op: Op, tool: ToolPart, state: int) -> ToolOutcome | None:
    """Determines how a call ended; None if nothing shows that it did. `state`: the state of its turn."""
    data, details = tool.data, fields_of(tool.result_details)
    if is_denied(tool):
        return ToolOutcome("denied", never_ran=True)
    if bytes(data.get("kind", b"")) == b'"terminal"':
        return _terminal_outcome(data, state)
    output = without_ansi(_output(data, details) or text_of(tool.result_error))
    if is_given(tool.result_error) or bytes(details.get("isError", b"")) == b"true":
        return ToolOutcome("error", output)
    if state == CANCELLED:
        return ToolOutcome("interrupted", output)
    if state != COMPLETE:
        return None
    if op == "shell":
        # A test run has no exit code, but the chat shows how many tests passed.
        return ToolOutcome("unknown", output or _shown(tool.past_tense_message))
    return ToolOutcome("ok", output)


def todos_in(raw: msgspec.Raw | None) -> PlanUpdate | None:
    """Returns the todo list in a field; None if there is no list."""
    return PlanUpdate(items=plan_items(raw, "title", most=MAX_TODOS)) if bytes(raw or b"")[:1] == b"[" else None


def paths_in(tool: ToolPart) -> list[str]:
    """Returns a command's folder and the files that the chat shows with a call."""
    named = [local_path(tool.data.get("cwd")), *map(local_path, _uris_in(tool.invocation_message))]
    return [path for path in named if path]


def _terminal_outcome(data: Fields, state: int) -> ToolOutcome | None:
    output = without_ansi(text_of(fields_of(data.get("terminalCommandOutput")).get("text")))
    ended = fields_of(data.get("terminalCommandState"))
    code = number_of(ended.get("exitCode"))
    if code is not None:
        return ToolOutcome("error" if code else "ok", output, exit_code=code)
    if state == CANCELLED and not ended:
        return ToolOutcome("interrupted", output)
    return ToolOutcome("unknown", output) if ended or state == COMPLETE else None


def _output(data: Fields, details: Fields) -> str:
    """Returns a call's output: a text, or the texts among its parts."""
    plain = text_of(data.get("output")) or text_of(data.get("result"))
    listed = map(fields_of, items_of(details.get("output")))
    parts = [text_of(part.get("value")) for part in listed if bytes(part.get("isText", b"true")) == b"true"]
    return plain or "\n".join(filter(None, parts)) or text_of(details.get("output"))


def _uris_in(message: msgspec.Raw) -> list[msgspec.Raw]:
    """Returns the URIs that a message in the chat links to, in order."""
    listed = list(fields_of(fields_of(message).get("uris")).values())
    linked = [found[2] for found in _LINK.finditer(_markdown(message)) if "://" in found[2]]
    return listed or [msgspec.Raw(msgspec.json.encode(uri.partition("#")[0])) for uri in linked]


def _markdown(message: msgspec.Raw) -> str:
    return text_of(message) or text_of(fields_of(message).get("value"))


def _shown(message: msgspec.Raw) -> str:
    """Returns a message in the chat as text, with links replaced by their names."""
    plain = _LINK.sub(lambda found: found[1] or posixpath.basename(found[2]), _markdown(message))
    return _URI.sub("", plain).strip()


def changes_in(kind: str, part: Fields) -> list[Change]:
    """Returns the file changes that a part of an answer reports; none if it names no local file."""
    path = local_path(part.get("uri"))
    if kind == "workspaceEdit":
        found = [_moved(fields_of(raw)) for raw in items_of(part.get("edits"))[:MAX_FILES]]
    elif path is None:
        found = []
    else:
        found = [_external(path, part) if kind == "externalEdit" else _edited(path, part, kind)]
    return [change for change in found if change is not None and not change.path.endswith(HANDOFF_FILE)]


def _edited(path: str, part: Fields, kind: str) -> Change | None:
    """Returns the change made by batches of edits, each a range (lines and columns from 1) and its new text.

    Edits of notebooks are not counted.
    """
    batches = items_of(part.get("edits"))[:MAX_EDITS]
    if kind == "notebookEditGroup":
        return Change(path=path, change="modify") if batches else None
    edits = [fields_of(raw) for batch in batches for raw in items_of(batch)][:MAX_EDITS]
    if not edits:
        return None
    texts = [text_of(edit.get("text")).splitlines() for edit in edits]
    ranges = [fields_of(edit.get("range")) for edit in edits]
    starts = [number_of(place.get("startLineNumber")) or 0 for place in ranges]
    lines = ((start, n, line) for start, text in zip(starts, texts, strict=True) for n, line in enumerate(text))
    start, below, anchor = next(((at, n, line) for at, n, line in lines if line.strip()), (starts[0], 0, ""))
    return Change(
        path=path,
        change="modify",
        added=sum(map(len, texts)),
        removed=sum(map(_lines_in, ranges)),
        line=start + below if start > 0 else None,
        anchor=bounded(anchor, SHORT_CHARS) or None,
    )


def _lines_in(place: Fields) -> int:
    """Returns the number of lines in a range; 0 for a position between two characters."""
    names = ("startLineNumber", "startColumn", "endLineNumber", "endColumn")
    start, start_column, end, end_column = (number_of(place.get(name)) or 0 for name in names)
    if (start, start_column) == (end, end_column) or not 0 < start <= end:
        return 0
    return end - start + (end_column > 1)


def _external(path: str, part: Fields) -> Change | None:
    """Returns a change by another program, with the kind and counts that the editor found."""
    change = _EXTERNAL.get(text_of(part.get("editKind")))
    if change is None:
        return None
    old_path = local_path(part.get("originalUri")) if change == "rename" else None
    added, removed = (number_of(fields_of(part.get("diff")).get(name)) for name in ("added", "removed"))
    change = "modify" if change == "rename" and old_path is None else change
    return Change(path=path, change=change, old_path=old_path, added=added, removed=removed)


def _moved(edit: Fields) -> Change | None:
    old_path, path = local_path(edit.get("oldResource")), local_path(edit.get("newResource"))
    if old_path and path:
        return Change(path=path, change="rename", old_path=old_path)
    if path:
        return Change(path=path, change="add")
    return Change(path=old_path, change="delete") if old_path else None
