"""Tool calls: what each was asked to do, how it ended, and what it changed."""

from __future__ import annotations

import re
from typing import Final

from carryover.adapter.contract import ToolOutcome
from carryover.adapter.event_builder import OpenCall
from carryover.model import Op
from carryover.records.asked import asked_in
from carryover.records.changes import Change, planned
from carryover.records.fields import SUBJECT_CHARS, bounded
from carryover.records.lenient import Fields, first_text, text_of
from carryover.records.patches import place_of
from carryover.records.text import names_own_folder

OPS: Final[dict[str, Op]] = {
    "Agent": "agent",
    "AgentSwarm": "agent",
    "AskUserQuestion": "ask",
    "Bash": "shell",
    "Edit": "edit",
    "FetchURL": "web",
    "Glob": "search",
    "Grep": "search",
    "Read": "read",
    "TodoList": "plan",
    "Write": "write",
}
"""Operations of the built-in tools (2.1). All others, including those of MCP servers, are `other`."""
_ABOUT: Final = ("path", "pattern", "url", "description", "prompt", "query", "name")
_EXITED: Final = re.compile(r"\n?Command failed with exit code: (-?\d{1,9})\.\s*\Z")
_INTERRUPTED: Final = "Interrupted by user"
_NEVER_RAN: Final = re.compile(r'Tool "[^"]*" not found|Invalid args for tool ')


def called(ident: str, name: str, given: Fields, cwd: str | None) -> OpenCall:
    """Returns a call."""
    op = OPS.get(name, "other")
    if op == "shell":
        return OpenCall.of_command(ident, name, text_of(given.get("command")), text_of(given.get("cwd")) or cwd)
    asked = next((asked.question for asked in asked_in(given.get("questions"))), "")
    about = asked or first_text(given, *_ABOUT) or name
    changes = _changes(op, given, cwd)
    return OpenCall(ident, name, op, bounded(about, SUBJECT_CHARS), changes=changes, handoff=names_own_folder(about))


def outcome_of(call: OpenCall, output: str, *, failed: bool) -> ToolOutcome:
    """Determines how a call ended. A command's exit code is the end of its output."""
    if not failed:
        return ToolOutcome("ok", output, exit_code=0 if call.op == "shell" else None)
    if output.strip() == _INTERRUPTED:
        return ToolOutcome("interrupted")
    code = _EXITED.search(output)
    never_ran = _NEVER_RAN.match(output) is not None
    exit_code = int(code[1]) if code is not None else None
    return ToolOutcome("error", _EXITED.sub("", output), exit_code=exit_code, never_ran=never_ran)


def _changes(op: Op, given: Fields, cwd: str | None) -> tuple[Change, ...]:
    path = place_of(text_of(given.get("path")), cwd) if op in ("edit", "write") else None
    return (planned(path, given),) if path is not None else ()
