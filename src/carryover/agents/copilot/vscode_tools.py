"""Tool calls of chats in VS Code: what a tool does, what a call is about, how it ended, what it printed."""

from __future__ import annotations

import posixpath
import re
from typing import Final

import msgspec

from carryover.adapter.contract import ToolOutcome
from carryover.agents.copilot.vscode_wire import CANCELLED, COMPLETE, ToolPart, is_denied, is_given
from carryover.model import Op, PlanItem, PlanState, PlanUpdate
from carryover.records.fields import MAX_PATH_CHARS, SHORT_CHARS, SUBJECT_CHARS, bounded
from carryover.records.lenient import Fields, fields_of, items_of, number_of, text_of
from carryover.records.text import names_own_folder, without_ansi
from carryover.records.uris import path_of

MAX_TODOS: Final = 100

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
"""What the known tools do. Every other tool, those of MCP servers among them, is `other`."""

_PREFIX: Final = re.compile(r"\A(?:copilot|vscode)_")
_LINK: Final = re.compile(r"\[([^\]]*)\]\(([^)\s]*)\)")
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S*")
_HERE: Final = ("file", "vscode-remote", "vscode-notebook-cell")
"""Schemes of URIs whose path is one of this machine; chats about folders on another one are not read."""
ABOUT: Final = ("command", "filePath", "path", "dirPath", "query", "pattern", "url", "urls", "description", "task")
"""Arguments that say what a call is about, the first of them first."""
_STATES: Final[dict[str, PlanState]] = {"not-started": "pending", "in-progress": "active", "completed": "done"}


def op_of(name: str) -> Op:
    """What a tool does. Its name differs by version: `copilot_runInTerminal`, `run_in_terminal`."""
    return OPS.get(_PREFIX.sub("", name).replace("_", "").lower(), "other")


def local_path(uri: msgspec.Raw | None) -> str | None:
    """The absolute path in a URI, written as an object or as text; None for one of another scheme."""
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
    """The command line that ran: as the user or the tool changed it, but without what only a sandbox needs."""
    line = fields_of(data.get("commandLine"))
    is_wrapped = bytes(line.get("isSandboxWrapped", b"")) == b"true"
    names = ("userEdited", "original", "toolEdited") if is_wrapped else ("userEdited", "toolEdited", "original")
    named = (text_of(line.get(name)) for name in names)
    return next(filter(None, named), "") or text_of(data.get("command")) or text_of(data.get("commandLine"))


def subject_of(tool: ToolPart) -> str:
    """What a call is about, bounded: the command, the file, the query, or what the chat shows of it."""
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
    """Whether a call is about Carryover's own files, whose text must not come back as something that happened."""
    return names_own_folder(f"{subject_of(tool)} {_markdown(tool.invocation_message)}")


def has_result(tool: ToolPart) -> bool:
    """Whether a call has ended, by what it says itself."""
    given = (tool.result_details, tool.result_error, tool.data.get("terminalCommandState"))
    return is_denied(tool) or any(is_given(raw) for raw in given)


def outcome_of(op: Op, tool: ToolPart, state: int) -> ToolOutcome | None:
    """How a call ended; None where it did not, as far as anything says. `state`: how far its turn came."""
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
        # A run of tests has no exit code; what the chat shows of it says how many passed.
        return ToolOutcome("unknown", output or _shown(tool.past_tense_message))
    return ToolOutcome("ok", output)


def todos_in(raw: msgspec.Raw | None) -> PlanUpdate | None:
    """A todo list, None where there is no list."""
    if raw is None or bytes(raw)[:1] != b"[":
        return None
    entries = [fields_of(entry) for entry in items_of(raw)[:MAX_TODOS]]
    items = (
        PlanItem(text=bounded(title, SHORT_CHARS), state=_STATES.get(text_of(entry.get("status")), "pending"))
        for entry in entries
        if (title := text_of(entry.get("title")).strip())
    )
    return PlanUpdate(items=tuple(items))


def paths_in(tool: ToolPart) -> list[str]:
    """The folder of a command and the files that the chat shows with a call."""
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
    """What a call printed: a text, or the texts among its parts."""
    plain = text_of(data.get("output")) or text_of(data.get("result"))
    listed = map(fields_of, items_of(details.get("output")))
    parts = [text_of(part.get("value")) for part in listed if bytes(part.get("isText", b"true")) == b"true"]
    return plain or "\n".join(filter(None, parts)) or text_of(details.get("output"))


def _uris_in(message: msgspec.Raw) -> list[msgspec.Raw]:
    """The URIs that a message shown in the chat links to, in their order."""
    listed = list(fields_of(fields_of(message).get("uris")).values())
    linked = [found[2] for found in _LINK.finditer(_markdown(message)) if "://" in found[2]]
    return listed or [msgspec.Raw(msgspec.json.encode(uri.partition("#")[0])) for uri in linked]


def _markdown(message: msgspec.Raw) -> str:
    return text_of(message) or text_of(fields_of(message).get("value"))


def _shown(message: msgspec.Raw) -> str:
    """A message of the chat as text: of links the name."""
    plain = _LINK.sub(lambda found: found[1] or posixpath.basename(found[2]), _markdown(message))
    return _URI.sub("", plain).strip()
