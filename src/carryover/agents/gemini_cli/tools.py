"""Tool calls: what each tool does, and what it was asked to do."""

from __future__ import annotations

from typing import Final

from carryover.adapter.event_builder import OpenCall
from carryover.model import Op
from carryover.records import shell_files
from carryover.records.asked import asked_in
from carryover.records.changes import Change, Replacement, replaced, written
from carryover.records.fields import MAX_PATH_CHARS, SUBJECT_CHARS, bounded, resolved
from carryover.records.lenient import Fields, first_text
from carryover.records.summary import Kinds
from carryover.records.text import names_own_folder

SHELL: Final = "run_shell_command"
TODOS: Final = "write_todos"
ASK: Final = "ask_user"
TOPIC: Final = "update_topic"
COMPLETE: Final = "complete_task"
"""Tools with which a sub-agent returns its result."""

_TOOLS: Final[dict[Op, str]] = {
    "shell": "run_shell_command",
    "read": "read_file read_many_files get_internal_docs",
    "edit": "replace edit",
    "write": "write_file",
    "search": "glob list_directory grep_search search_file_content",
    "web": "web_fetch google_web_search",
    "plan": "write_todos enter_plan_mode exit_plan_mode tracker_create_task tracker_update_task",
    "ask": "ask_user",
    "agent": "invoke_agent delegate_to_agent codebase_investigator",
}
OPS: Final = {tool: op for op, tools in _TOOLS.items() for tool in tools.split()}
"""Operations of the known tools (0.26 to 0.61). All others, including those of MCP servers, are `other`."""

QUIET_MESSAGES: Final = frozenset(("warning",))
"""Messages of the client itself to the user."""

SUMMARY_KINDS: Final[Kinds] = {
    "overall_goal": "request",
    "key_knowledge": "other",
    "file_system_state": "other",
    "recent_actions": "current",
    "current_plan": "next",
    "task_state": "next",
}
"""The tags inside the `<state_snapshot>` that a compaction asks for (reported; 0.44 and 0.61 have the outer tag)."""


_FILES: Final = ("file_path", "absolute_path", "path")
_FOLDERS: Final = ("dir_path", "directory")
_DELEGATED: Final = ("prompt", "objective", "description", "query")
_ABOUT: Final = ("command", *_FILES, "pattern", "query", "url", *_FOLDERS, "title", "name", *_DELEGATED)


def opened(call_id: str, name: str, args: Fields, cwd: str | None) -> OpenCall:
    """Returns an open call. Its `changes` are those it makes if it succeeds."""
    if name == SHELL:
        folder = first_text(args, *_FOLDERS)
        return shell_call(call_id, name, first_text(args, "command"), resolved(folder, cwd) if folder else cwd)
    op = OPS.get(name, "other")
    about = first_text(args, *(_DELEGATED if op == "agent" else _ABOUT))
    if op in ("read", "edit", "write"):
        about = first_text(args, *_FILES) or about
    elif name == ASK:
        about = next((asked.question for asked in asked_in(args.get("questions"))), "")
    return OpenCall(
        id=call_id,
        name=name,
        op=op,
        # Without a subject, calls of different tools would count as tries at the same thing.
        subject=bounded(about or name, SUBJECT_CHARS),
        changes=_changes(op, args, cwd),
        handoff=names_own_folder(" ".join((about, first_text(args, *_FILES), first_text(args, *_FOLDERS)))),
    )


def shell_call(call_id: str, name: str, command: str, cwd: str | None) -> OpenCall:
    """Returns a call that runs a shell command in `cwd`."""
    return OpenCall(
        id=call_id,
        name=name,
        op="shell",
        subject=bounded(command, SUBJECT_CHARS),
        changes=shell_files.changes(command, cwd),
        handoff=names_own_folder(f"{cwd or ''} {command}"),
    )


def _changes(op: str, args: Fields, cwd: str | None) -> tuple[Change, ...]:
    """Returns the change that an edit's arguments describe. The result has more detail, but not in every version."""
    named = first_text(args, *_FILES)
    path = resolved(named, cwd) if named else None
    if path is None or len(path) > MAX_PATH_CHARS:
        return ()
    if op == "write":
        return (written(path, first_text(args, "content")),)
    if op == "edit":
        pair = Replacement(old_string=first_text(args, "old_string"), new_string=first_text(args, "new_string"))
        return (replaced(path, [pair], counted=False),)
    return ()
