"""What a tool of any agent did, by its name, its arguments and what it printed."""

from __future__ import annotations

from functools import lru_cache
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
_PATH: Final = ("file_path", "path", "filePath", "absolute_path", "notebook_path", "filename")
_TOOLS: Final = Tools(
    {
        "shell": "command execute_bash bash_command run",
        "edit": "code_edit str_replace_editor str_replace_based_edit_tool",
        "plan": "todo",
        "other": "taskoutput bashoutput killshell taskstop write_stdin skill",
    },
    about=(*_PATH, "pattern", "query", "url", "question", "description", "prompt", "subject"),
    plain=str.lower,
)
"""The tools of agents that Carryover does not know, and those that no one's table has."""
_EXIT: Final = later(r"(?i)(?:Process exited with code|Exit code:?|exited with code) (-?\d{1,10})\b")
_EXIT_CHARS: Final = 300


@lru_cache(maxsize=256)
def op_of(name: str) -> Op | None:
    """Returns what a tool of any agent does; None if none has it."""
    plain = name.removeprefix("functions.")
    known = (agent.quoted.op(plain) for agent in adapters().values() if agent.quoted is not None)
    return next(filter(None, (*known, _TOOLS.known(plain))), None)


def call_of(ident: str, name: str, given: Fields, cwd: str | None, text: str = "") -> OpenCall:
    """Returns a call with the arguments `given`, made in `cwd`; `text`: what it is about if none of them says so."""
    command = first_text(given, *_COMMAND)
    path = first_text(given, *_PATH)
    op = op_of(name) or ("other" if path or not command else "shell")
    if op == "edit" and command == "view":
        op = "read"
    if op == "shell":
        return OpenCall.of_command(ident, name, command.strip() or text, cwd)
    about = (resolved(path, cwd) or path) if path and op in ("read", "edit", "write") else _TOOLS.about(op, given)
    subject = bounded(about.strip() or text, SUBJECT_CHARS)
    changes: tuple[FileEdit, ...] = ()
    if op in ("edit", "write"):
        changes = in_patch(first_text(given, "patch", "patchText", "input", "diff"), cwd) or _change(
            name.lower(), path, given, cwd
        )
    return OpenCall(ident, name, op, subject, changes=changes, handoff=names_own_folder(subject))


def _change(tool: str, path: str, given: Fields, cwd: str | None) -> tuple[FileEdit, ...]:
    """Returns the change of the file that a call names, if it is one: tools make folders, too."""
    place = resolved(path, cwd) if path else None
    if not place or any(word in tool for word in ("directory", "folder")):
        return ()
    is_deleted = tool.startswith("delete")
    return (FileEdit(path=place, change="delete") if is_deleted else planned(place, given, counted=False),)


def outcome_in_text(op: Op, text: str) -> ToolOutcome:
    """Returns a call's outcome, for agents without `QuotedText`: the exit code at the beginning of the output."""
    if found := _EXIT.search(text[:_EXIT_CHARS]):
        return ToolOutcome("ok" if int(found[1]) == 0 else "error", text, int(found[1]))
    return ToolOutcome("unknown" if op == "shell" else "ok", text)


PLAIN: Final = QuotedText(
    prompt=lambda text, _after: (UserPrompt(text=text),),
    outcome=outcome_in_text,
    op=lambda _name: None,
    about=_TOOLS.about,
)
"""Reads the texts of agents that mark nothing in them."""


def quoted_of(spec: AgentSpec) -> QuotedText:
    """Returns what reads texts that another program copied from this agent's transcripts."""
    agent = adapters().get(spec.id)
    return agent.quoted if agent is not None and agent.quoted is not None else PLAIN
