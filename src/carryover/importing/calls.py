"""What a tool of any agent did, by its name, its arguments and what it printed."""

from __future__ import annotations

from typing import Final

from carryover.adapter.contract import QuotedText, ToolOutcome
from carryover.adapter.spec import AgentSpec
from carryover.agents import adapters
from carryover.model import FileEdit, Op, UserPrompt
from carryover.records.changes import planned
from carryover.records.fields import SUBJECT_CHARS, bounded, resolved
from carryover.records.lenient import Fields, first_text
from carryover.records.patches import in_patch
from carryover.records.text import names_own_folder
from carryover.text.pattern import later
from carryover.transcript.recorder import OpenCall, Tools

_COMMAND: Final = ("command", "cmd", "keystrokes")
_SHOWN: Final = ("content", "contents", "file_text", "old_string", "old_str", "new_string", "new_str")
_PATH: Final = ("file_path", "path", "filePath", "absolute_path", "notebook_path", "filename")
TOOLS: Final = Tools(
    {
        "shell": "bash shell shell_command exec_command run_shell_command command run_terminal_cmd "
        "run_terminal_command run_terminal_command_v2 execute_bash bash_command terminal run",
        "read": "read read_file read_file_v2 notebookread view_image",
        "edit": "edit multiedit notebookedit strreplace search_replace edit_file edit_file_v2 replace apply_patch "
        "code_edit edit_notebook reapply delete delete_file str_replace_editor str_replace_based_edit_tool "
        "replace_string_in_file multi_replace_string_in_file insert_edit_into_file",
        "write": "write write_file create_file",
        "search": "grep glob ls list_dir list_directory grep_search file_search codebase_search glob_file_search "
        "ripgrep ripgrep_raw_search semantic_search_full list_dir_v2 search_file_content",
        "web": "webfetch websearch web_fetch web_search google_web_search",
        "plan": "todowrite todo_write update_plan write_todos exitplanmode enterplanmode taskcreate taskupdate "
        "tasklist taskget create_plan manage_todo_list",
        "ask": "askuserquestion ask_question",
        "agent": "task agent",
        "other": "taskoutput bashoutput killshell taskstop write_stdin skill toolsearch",
    },
    about=(*_PATH, "pattern", "query", "url", "question", "description", "prompt", "subject"),
    plain=lambda name: name.lower().removeprefix("functions."),
)
_EXIT: Final = later(r"(?i)(?:Process exited with code|Exit code:?|exited with code) (-?\d{1,10})\b")
_EXIT_CHARS: Final = 300


def call_of(ident: str, name: str, given: Fields, cwd: str | None, text: str = "") -> OpenCall:
    """Returns a call with the arguments `given`, made in `cwd`; `text`: what it is about if none of them says so."""
    command = first_text(given, *_COMMAND)
    path = first_text(given, *_PATH)
    op = TOOLS.op(name) if TOOLS.knows(name) or path or not command else "shell"
    if op == "edit" and command == "view":
        op = "read"
    if op == "shell":
        return OpenCall.of_command(ident, name, command.strip() or text, cwd)
    about = (resolved(path, cwd) or path) if path and op in ("read", "edit", "write") else TOOLS.about(op, given)
    subject = bounded(about.strip() or text, SUBJECT_CHARS)
    changes = _changes(given, cwd) if op in ("edit", "write") else ()
    return OpenCall(ident, name, op, subject, changes=changes, handoff=names_own_folder(subject))


def _changes(given: Fields, cwd: str | None) -> tuple[FileEdit, ...]:
    """Returns the files that an edit changes if it succeeds."""
    if patch := first_text(given, "patch", "input", "diff"):
        return in_patch(patch, cwd)
    path = resolved(first_text(given, *_PATH), cwd)
    return (planned(path, given, counted=False),) if path and first_text(given, *_SHOWN) else ()


def outcome_in_text(op: Op, text: str) -> ToolOutcome:
    """Returns a call's outcome, for agents without `QuotedText`: the exit code at the beginning of the output."""
    if found := _EXIT.search(text[:_EXIT_CHARS]):
        return ToolOutcome("ok" if int(found[1]) == 0 else "error", text, int(found[1]))
    return ToolOutcome("unknown" if op == "shell" else "ok", text)


PLAIN: Final = QuotedText(prompt=lambda text, _after: (UserPrompt(text=text),), outcome=outcome_in_text)
"""Reads the texts of agents that mark nothing in them."""


def quoted_of(spec: AgentSpec) -> QuotedText:
    """Returns what reads texts that another program copied from this agent's transcripts."""
    agent = adapters().get(spec.id)
    return agent.quoted if agent is not None and agent.quoted is not None else PLAIN
