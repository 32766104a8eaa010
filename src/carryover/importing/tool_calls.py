"""Infers what a tool call did from the tool's name and arguments, for tools of any agent."""

from __future__ import annotations

from typing import Final

from carryover.importing.specstory_tools import OPERATIONS
from carryover.model import Op
from carryover.records.changes import Change, Replacement, replaced, written
from carryover.records.fields import resolved
from carryover.records.lenient import Fields, first_text
from carryover.records.patches import in_patch
from carryover.records.shell_files import changes as shell_changes

_OPERATIONS: Final[dict[str, Op]] = {
    **OPERATIONS,
    **dict.fromkeys("execute_bash bash_command terminal run".split(), "shell"),
    **dict.fromkeys("str_replace_editor str_replace_based_edit_tool".split(), "edit"),
}
_COMMAND: Final = ("command", "cmd", "keystrokes")
_PATH: Final = ("file_path", "path", "filePath", "absolute_path", "notebook_path", "filename")
_SUBJECT: Final = (*_PATH, "pattern", "query", "url", "question", "description", "prompt", "subject")


def operation_and_subject(tool: str, given: Fields, cwd: str | None) -> tuple[Op, str]:
    """Returns what a call with the arguments `given` does, and the command, file or text that it is about."""
    name = tool.lower().removeprefix("functions.")
    command = first_text(given, *_COMMAND)
    path = first_text(given, *_PATH)
    op = _OPERATIONS.get(name, "shell" if command and not path else "other")
    if op == "edit" and command == "view":
        op = "read"
    subject = command if op == "shell" else first_text(given, *_SUBJECT)
    if path and op in ("read", "edit", "write"):
        subject = resolved(path, cwd) or path
    return op, subject.strip()


def file_changes(op: Op, subject: str, given: Fields, cwd: str | None) -> tuple[Change, ...]:
    """Returns the files that a call changes if it succeeds. `subject`: of `operation_and_subject`."""
    if op == "shell":
        return shell_changes(subject, cwd)
    if op not in ("edit", "write"):
        return ()
    if patch := first_text(given, "patch", "input", "diff"):
        return in_patch(patch, cwd)
    path = resolved(first_text(given, *_PATH), cwd)
    if not path:
        return ()
    if content := first_text(given, "content", "contents", "file_text"):
        return (written(path, content),)
    old = first_text(given, "old_string", "old_str")
    new = first_text(given, "new_string", "new_str")
    return (replaced(path, [Replacement(old, new)], counted=False),) if old or new else ()
