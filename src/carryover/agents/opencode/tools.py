"""Tool calls: what a call is about, how it ended, and what it changed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import msgspec

from carryover.adapter.contract import ToolOutcome
from carryover.adapter.event_builder import OpenCall, usable_name
from carryover.agents.opencode.wire import MAX_CHANGES
from carryover.model import Actor, Answer, Op, PlanUpdate, Question, ResultStatus
from carryover.records import rawjson, shell_files
from carryover.records.asked import asked_in, plan_items
from carryover.records.changes import Change, Replacement, hunks_in, patched, replaced, written
from carryover.records.fields import MAX_NAME_CHARS, SUBJECT_CHARS, bounded
from carryover.records.lenient import Fields, fields_of, items_of, number_of, text_of
from carryover.records.patches import added, in_patch, place_of, renamed
from carryover.records.summary import Kinds
from carryover.records.text import names_own_folder

_TOOLS: Final[dict[Op, str]] = {
    "shell": "bash",
    "read": "read list lsp",
    "edit": "edit multiedit patch apply_patch",
    "write": "write",
    "search": "glob grep",
    "web": "codesearch webfetch websearch",
    "plan": "todowrite todoread",
    "ask": "question",
    "agent": "task",
}
OPS: Final = {tool: op for op, tools in _TOOLS.items() for tool in tools.split()}
"""Operations of the built-in tools. All others, including those of MCP servers, are `other`."""

ABOUT: Final[dict[Op, tuple[str, ...]]] = {
    "shell": ("command",),
    "read": ("filePath", "path"),
    "edit": ("filePath", "path"),
    "write": ("filePath", "path"),
    "search": ("pattern", "query", "path"),
    "web": ("url", "query"),
    "agent": ("description", "prompt"),
    "other": ("description", "name", "command", "filePath", "path", "pattern", "query", "url"),
}
"""The arguments that describe a call, the best first."""

INVALID_TOOL: Final = "invalid"
"""The tool that replaces one that does not exist or was called with bad arguments."""

QUIET_PARTS: Final = frozenset(
    ("step-start", "step-finish", "reasoning", "snapshot", "patch", "retry", "agent", "subtask", "compaction", "file")
)
"""Parts without content for a handoff."""

DENIED: Final = re.compile(
    r"The user (?:rejected permission to use|dismissed this question|has specified a rule which prevents)"
)
FEEDBACK: Final = re.compile(
    r"rejected permission to use this specific tool call with the following feedback: (.+)", re.S
)
"""Precedes text that the user typed when rejecting a call."""
ABORTED: Final = re.compile(r"^(?:Error: )?(?:Tool execution aborted|Aborted|User aborted)", re.I)
NEVER_RAN: Final = re.compile(r"was called with invalid arguments|Model tried to call unavailable tool", re.I)
SHELL_ABORTED: Final = "User aborted the command"
SHELL_METADATA: Final = re.compile(r"\s*<(?:(?:bash|shell)_)?metadata>.*?</(?:(?:bash|shell)_)?metadata>\s*\Z", re.S)
"""Text that the client adds to a command's output (reported)."""

SHELL_PROMPT: Final = "The following tool was executed by the user"
"""The client's text in place of a prompt when a person ran a shell command."""

ABORTED_ERROR: Final = "MessageAbortedError"
LIMIT_STATUSES: Final = (402, 429)
UNTITLED: Final = ("New session - ", "Child session - ")
"""The beginning of a session's title until a model has chosen one."""

SUMMARY_KINDS: Final[Kinds] = {
    "goal": "request",
    "objective": "request",
    "instructions": "other",
    "constraints & preferences": "other",
    "discoveries": "other",
    "accomplished": "current",
    "progress": "current",
    "work state": "current",
    "key decisions": "other",
    "next steps": "next",
    "next move": "next",
    "critical context": "other",
    "important details": "other",
    "relevant files / directories": "other",
    "relevant files": "other",
}
"""The sections that a compaction asks for (1.2.5 and later, reported)."""


MAX_PLAN_ITEMS: Final = 50


@dataclass(frozen=True, slots=True)
class Called:
    """A tool call as its part describes it, ended or not."""

    call: OpenCall
    state: Fields
    given: Fields
    metadata: Fields
    cwd: str | None


def called(part_id: str, part: Fields, cwd: str | None, actor: Actor) -> Called | None:
    """Returns the call in a part; None if it has no usable name."""
    name = text_of(part.get("tool"))
    if not usable_name(name):
        return None
    state = fields_of(part.get("state"))
    given, metadata = fields_of(state.get("input")), fields_of(state.get("metadata"))
    place = place_of(text_of(given.get("workdir")), cwd) if name == "bash" else None
    patch = text_of(given.get("patchText"))
    op = OPS.get(name, "other")
    about = next((text for field in ABOUT.get(op, ()) if (text := text_of(given.get(field)))), "")
    if name == INVALID_TOOL:
        about = text_of(given.get("tool"))
    elif patch:
        changes = in_patch(patch, cwd)
        about = changes[0].path if changes else ""
    asked = asked_in(given.get("questions"))
    call = OpenCall(
        id=(text_of(part.get("callID")) or part_id)[:MAX_NAME_CHARS],
        name=name,
        op=op,
        subject=bounded(asked[0].question if asked and op == "ask" else about, SUBJECT_CHARS),
        actor=actor,
        handoff=names_own_folder(f"{about} {patch}"),
    )
    return Called(call=call, state=state, given=given, metadata=metadata, cwd=place or cwd)


def outcome_of(found: Called) -> ToolOutcome | None:
    """Determines how a call ended; None if it has not."""
    status = text_of(found.state.get("status"))
    if status == "error":
        error = text_of(found.state.get("error"))
        said = FEEDBACK.search(error)
        never_ran = bool(NEVER_RAN.search(error))
        return ToolOutcome(
            _status_of_error(error), error, never_ran=never_ran, user_words=said[1].strip() if said else ""
        )
    if status != "completed":
        return None
    output = text_of(found.state.get("output"))
    if found.call.name == INVALID_TOOL:
        return ToolOutcome("error", output, never_ran=True)
    if found.call.op != "shell":
        return ToolOutcome("ok", output)
    exit_code = number_of(found.metadata.get("exit"))
    aborted, output = SHELL_ABORTED in output, SHELL_METADATA.sub("", output)
    if exit_code is None:
        return ToolOutcome("interrupted" if aborted else "unknown", output)
    return ToolOutcome("ok" if exit_code == 0 else "error", output, exit_code=exit_code)


def _status_of_error(error: str) -> ResultStatus:
    if DENIED.search(error):
        return "denied"
    return "interrupted" if ABORTED.match(error) else "error"


def changes_of(found: Called) -> tuple[Change, ...]:
    """Returns the changes of a call that succeeded."""
    name = found.call.name
    if found.call.op == "shell":
        return shell_files.changes(text_of(found.given.get("command")), found.cwd)[:MAX_CHANGES]
    if name in ("apply_patch", "patch"):
        return (_in_metadata(found) or in_patch(text_of(found.given.get("patchText")), found.cwd))[:MAX_CHANGES]
    path = place_of(text_of(found.given.get("filePath")), found.cwd)
    if path is None:
        return ()
    if name == "write":
        is_new = bytes(found.metadata.get("exists", rawjson.ABSENT)) == b"false"
        content = text_of(found.given.get("content"))
        return (added(path, content) if is_new else written(path, content),)
    if name in ("edit", "multiedit"):
        return (_edited(found, path),)
    return ()


def _edited(found: Called, path: str) -> Change:
    """Returns an edit with the position in the client's diff. An edit that replaces no text creates a file."""
    hunks = hunks_in(text_of(found.metadata.get("diff")))
    edits = [fields_of(raw) for raw in items_of(found.given.get("edits"))] or [found.given]
    pairs = [Replacement(text_of(one.get("oldString")), text_of(one.get("newString"))) for one in edits]
    if hunks:
        change = patched(Change(path=path, change="modify"), hunks)
    else:
        counted = bytes(found.given.get("replaceAll", rawjson.ABSENT)) != b"true"
        change = replaced(path, pairs, counted=counted)
    is_new = not any(pair.old_string for pair in pairs)
    return msgspec.structs.replace(change, change="add") if is_new else change


def _in_metadata(found: Called) -> tuple[Change, ...]:
    """Returns the changes of a patch as the client reports them."""
    return tuple(
        change for raw in items_of(found.metadata.get("files")) if (change := _patched_file(fields_of(raw), found.cwd))
    )


def _patched_file(file: Fields, cwd: str | None) -> Change | None:
    path = place_of(text_of(file.get("filePath")), cwd)
    if path is None:
        return None
    kind = text_of(file.get("type"))
    diff = text_of(file.get("patch")) or text_of(file.get("diff"))
    if kind == "delete":
        return Change(path=path, change="delete")
    change = patched(Change(path=path, change="modify"), hunks_in(diff))
    if kind == "add":
        return msgspec.structs.replace(change, change="add")
    moved = text_of(file.get("movePath"))
    return renamed(change, moved, cwd) if moved else change


def plan_of(found: Called) -> PlanUpdate | None:
    """Returns the todo list after a call that writes it; None for any other call."""
    if found.call.name != "todowrite":
        return None
    raw = found.metadata.get("todos") or found.given.get("todos")
    return PlanUpdate(items=plan_items(raw, "content", most=MAX_PLAN_ITEMS))


def question_events(found: Called) -> list[Question]:
    """Returns the questions that a call asks the user."""
    if found.call.op != "ask":
        return []
    return [asked.as_event(found.call.id) for asked in asked_in(found.given.get("questions"))]


def answer_events(found: Called) -> list[Answer]:
    """Returns the user's answers, question by question."""
    if found.call.op != "ask":
        return []
    answers = [", ".join(filter(None, map(text_of, items_of(raw)))) for raw in items_of(found.metadata.get("answers"))]
    return [
        Answer(call_id=found.call.id, question=asked.question, text=text)
        for asked, text in zip(asked_in(found.given.get("questions")), answers, strict=False)
        if text
    ]
