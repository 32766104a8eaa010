"""The built-in tools: what a call was asked to do, how it ended, and what it changed."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from carryover.adapter.contract import ToolOutcome
from carryover.model import Op
from carryover.records.asked import Asked, asked_in
from carryover.records.changes import Change, hunks_in, patched, planned
from carryover.records.fields import MAX_PATH_CHARS, SUBJECT_CHARS, bounded, is_absolute, resolved
from carryover.records.lenient import Fields, first_text, text_of
from carryover.records.text import names_own_folder, without_ansi
from carryover.transcript.recorder import OpenCall

SHELL: Final = "run_shell_command"
_TOOLS: Final[dict[Op, str]] = {
    "shell": SHELL,
    "read": "read_file read_many_files get_internal_docs",
    "edit": "replace edit",
    "write": "write_file",
    "search": "glob list_directory grep_search search_file_content",
    "web": "web_fetch web_search google_web_search",
    "plan": "write_todos todo_write enter_plan_mode exit_plan_mode tracker_create_task tracker_update_task",
    "ask": "ask_user ask_user_question",
    "agent": "agent task invoke_agent delegate_to_agent codebase_investigator",
}
OPS: Final = {tool: op for op, tools in _TOOLS.items() for tool in tools.split()}
"""Operations of the known tools. All others, including those of MCP servers, are `other`."""
FILES: Final = ("file_path", "absolute_path", "path")
FOLDERS: Final = ("dir_path", "directory")
"""The arguments of the tools that name a file or a folder."""

_DELEGATED: Final = ("prompt", "objective", "description", "query")
_ABOUT: Final = ("command", *FILES, "pattern", "query", "url", *FOLDERS, "title", "name", *_DELEGATED)

NEVER_RAN: Final = re.compile(
    r"^(?:Error: )?(?:params |Invalid parameters|Tool \"[^\"]*\" not found|Tool execution denied by policy"
    r"|Skill \"[^\"]*\" not found|Unknown tool)",
    re.IGNORECASE,
)
"""The beginning of the refusal of a call that never ran."""
_WRAPPED: Final = re.compile(r"\A<untrusted_context>\n?(.*?)\n?(?:</untrusted_context>\s*)?\Z", re.DOTALL)
_BEFORE_OUTPUT: Final = re.compile(r"\A(?:Command: .*?\n)?(?:Directory: [^\n]*\n)?(?:Output|Stdout): ", re.DOTALL)
_FOOTER: Final = re.compile(r"\n(Error|Exit Code|Signal|Background PIDs|Process Group PGID): ([^\n]*)\Z")
_NONE: Final = frozenset(("", "(none)", "(empty)", "0"))
_STOPPED: Final = "Command was cancelled by user"
_TOO_LONG: Final = "Command was automatically cancelled"
_IN_BACKGROUND: Final = "Command moved to background"
_BELOW: Final = re.compile(r"\A.*?Below is the output before it was cancelled:\n", re.DOTALL)


def opened(call_id: str, name: str, args: Fields, cwd: str | None) -> tuple[OpenCall, list[Asked]]:
    """Returns an open call and what it asks the user. Its `changes` are those it makes if it succeeds."""
    op = OPS.get(name, "other")
    asked = asked_in(args.get("questions")) if op == "ask" else []
    question = asked[0].question if asked else ""
    return _opened(call_id, name, op, args, question, cwd), asked


def _opened(call_id: str, name: str, op: Op, args: Fields, question: str, cwd: str | None) -> OpenCall:
    file, folder = first_text(args, *FILES), first_text(args, *FOLDERS)
    if name == SHELL:
        return OpenCall.of_command(call_id, name, first_text(args, "command"), resolved(folder, cwd) if folder else cwd)
    about = first_text(args, *(_DELEGATED if op == "agent" else _ABOUT))
    if op in ("read", "edit", "write"):
        about = file or about
    return OpenCall(
        id=call_id,
        name=name,
        op=op,
        # Without a subject, calls of different tools would count as tries at the same thing.
        subject=bounded(question or about or name, SUBJECT_CHARS),
        changes=_changes(op, args, resolved(file, cwd) if file else None),
        handoff=names_own_folder(" ".join((about, file, folder))),
    )


def _changes(op: Op, args: Fields, path: str | None) -> tuple[Change, ...]:
    """Returns the change that an edit's arguments describe. The result has more detail, but not in every version."""
    if path is None or len(path) > MAX_PATH_CHARS:
        return ()
    return (planned(path, args, counted=False),) if op in ("edit", "write") else ()


def made(call: OpenCall, shown: Fields, *, is_new: bool) -> tuple[Change, ...]:
    """Returns an edit's change: from its result as the user saw it, or else from its arguments.

    `is_new`: the result shows that the file is new.
    """
    path = text_of(shown.get("filePath")) or next((change.path for change in call.changes), "")
    if not shown or call.op not in ("edit", "write") or not is_absolute(path) or len(path) > MAX_PATH_CHARS:
        return call.changes
    change = patched(Change(path=path, change="modify"), hunks_in(text_of(shown.get("fileDiff"))))
    return (msgspec.structs.replace(change, change="add") if is_new else change,)


def shell_outcome(output: str) -> ToolOutcome:
    """Determines how a command ended, by the text that the model gets.

    Since 0.44 the output leaves out fields that are zero or empty.
    """
    text = without_ansi(_WRAPPED.sub(r"\1", output))
    if text.startswith(_STOPPED):
        return ToolOutcome("interrupted", _BELOW.sub("", text))
    if text.startswith((_TOO_LONG, _IN_BACKGROUND)):
        return ToolOutcome("error" if text.startswith(_TOO_LONG) else "ok", text)
    footer: dict[str, str] = {}
    # Each line comes once: one more like it was printed by the command.
    while (found := _FOOTER.search(text)) and found[1] not in footer:
        footer[found[1]] = found[2].strip()
        text = text[: found.start()]
    printed = _BEFORE_OUTPUT.sub("", text)
    if not footer and printed == text:
        return ToolOutcome("unknown", text)
    printed = "" if printed.strip() in ("(empty)", "(none)") else printed
    code = footer.get("Exit Code", "0")
    exit_code = int(code) if re.fullmatch(r"-?\d{1,9}", code) else None
    if (error := footer.get("Error", "")) not in _NONE:
        exit_code = exit_code if "Exit Code" in footer else None
        return ToolOutcome("error", f"{printed}\n{error}".strip(), exit_code=exit_code)
    if footer.get("Signal", "") not in _NONE:
        return ToolOutcome("error", printed)
    return ToolOutcome("error" if exit_code else "ok", printed, exit_code=exit_code)
