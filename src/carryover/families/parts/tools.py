"""Tool calls: what a call is about, how it ended, and what it did."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from carryover.adapter.contract import ToolOutcome
from carryover.adapter.event_builder import OpenCall, usable_name
from carryover.adapter.refusals import CLIENT_WORDED, refused
from carryover.model import Actor, Answer, AnyBody, Op, PlanUpdate
from carryover.records import rawjson, shell_files
from carryover.records.asked import Asked, asked_in, plan_items
from carryover.records.changes import Change, Replacement, as_edit, hunks_in, patched, replaced, written
from carryover.records.fields import MAX_NAME_CHARS, SUBJECT_CHARS, bounded
from carryover.records.lenient import Fields, fields_of, first_text, is_true, items_of, number_of, text_of
from carryover.records.patches import added, in_patch, place_of, renamed
from carryover.records.text import names_own_folder

MAX_CHANGES: Final = 20

_TOOLS: Final[dict[Op, str]] = {
    "shell": "bash",
    "read": "read list lsp",
    "edit": "edit apply_patch",
    "write": "write",
    "search": "glob grep",
    "web": "codesearch webfetch websearch",
    "plan": "todowrite todoread",
    "ask": "question",
    "agent": "task",
}
OPS: Final = {tool: op for op, tools in _TOOLS.items() for tool in tools.split()}
"""Operations of the built-in tools. All others, including those of MCP servers, are `other`."""

ABOUT: Final = ("filePath", "command", "pattern", "query", "url", "path", "description", "prompt", "name")
"""The arguments that describe a call, the best first."""

INVALID_TOOL: Final = "invalid"
"""The tool that replaces one that does not exist or was called with bad arguments."""
DENIED: Final = re.compile(
    r"(?:\w{0,40}Error: )?The user (?:rejected permission to use this specific tool call"
    r"(?:\.| with the following feedback: (?P<said>.+))"
    r"|dismissed this question\.?|has specified a rule which prevents .+)",
    re.DOTALL,
)
"""The whole text of a refusal (1.18.34; rules: public source). `said`: what the user typed. No field says so, and the
error of any tool but the built-in ones is that tool's own."""
_SHELL_AND_CLIENT_WORDED: Final = CLIENT_WORDED | {"shell"}
"""A command that fails is `completed` here, with its exit code: only the client words the errors of `bash`."""
_OF_SERVER: Final = "_"
"""Joins the names of an MCP server and its tool: a server `apply` can replace `apply_patch` (1.18.34; Kilo 7.7.9)."""
ABORTED: Final = re.compile(r"^(?:Error: )?(?:Tool execution aborted|Aborted|User aborted)", re.I)
NEVER_RAN: Final = re.compile(r"was called with invalid arguments|Model tried to call unavailable tool", re.I)
SHELL_ABORTED: Final = "User aborted the command"
SHELL_METADATA: Final = re.compile(r"\s*<(?:(?:bash|shell)_)?metadata>.*?</(?:(?:bash|shell)_)?metadata>\s*\Z", re.S)
"""Text that the client adds to a command's output (reported)."""

_READ_HEAD: Final = re.compile(r"<path>[^\n]*</path>\n<type>\w+</type>\n<(content|entries)>\n?")
_READ_FOOT: Final = re.compile(r"\n\n\((?:End of file|\d+ entries)[^\n]*\)\Z")
"""What the client puts around a file or folder that was read (1.2.5)."""


@dataclass(frozen=True, slots=True)
class Called:
    """A tool call as its part describes it, ended or not."""

    call: OpenCall
    state: Fields
    given: Fields
    metadata: Fields
    cwd: str | None
    questions: Sequence[Asked]


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
    questions = asked_in(given.get("questions")) if op == "ask" else []
    if name == INVALID_TOOL:
        about = text_of(given.get("tool"))
    elif patch:
        about = next((change.path for change in in_patch(patch, cwd)), "")
    elif questions:
        about = questions[0].question
    else:
        about = first_text(given, *(ABOUT[-3:] if op == "agent" else ABOUT))
    call = OpenCall(
        id=(text_of(part.get("callID")) or part_id)[:MAX_NAME_CHARS],
        name=name,
        op=op,
        subject=bounded(about, SUBJECT_CHARS),
        actor=actor,
        handoff=names_own_folder(f"{about} {patch}"),
    )
    return Called(call, state, given, metadata, place or cwd, questions)


def outcome_of(found: Called) -> ToolOutcome | None:
    """Determines how a call ended; None if it has not."""
    match text_of(found.state.get("status")):
        case "error":
            error = text_of(found.state.get("error"))
            if denied := DENIED.fullmatch(error):
                by_client = found.call.op in _SHELL_AND_CLIENT_WORDED and _OF_SERVER not in found.call.name
                return refused(error, (denied["said"] or "").strip(), by_client=by_client, by_user=by_client)
            never_ran = NEVER_RAN.search(error) is not None
            return ToolOutcome("interrupted" if ABORTED.match(error) else "error", error, never_ran=never_ran)
        case "completed":
            output = text_of(found.state.get("output"))
        case _:
            return None
    if found.call.name == INVALID_TOOL:
        return ToolOutcome("error", output, never_ran=True)
    if found.call.op != "shell":
        return ToolOutcome("ok", _read(output) if found.call.op == "read" else output)
    exit_code = number_of(found.metadata.get("exit"))
    shown = SHELL_METADATA.sub("", output)
    if exit_code is None:
        return ToolOutcome("interrupted" if SHELL_ABORTED in output else "unknown", shown)
    return ToolOutcome("ok" if exit_code == 0 else "error", shown, exit_code=exit_code)


def _read(output: str) -> str:
    """Returns what was read, without the client's frame."""
    head = _READ_HEAD.match(output)
    if head is None:
        return output
    content, end, _ = output[head.end() :].rpartition(f"\n</{head[1]}>")
    return _READ_FOOT.sub("", content) if end else output


def effects_of(found: Called) -> Iterator[tuple[str, AnyBody]]:
    """Yields what a call that succeeded did, each with the end of its event's key."""
    for number, change in enumerate(_changes_of(found)[:MAX_CHANGES]):
        yield f"edit{number}", as_edit(change, found.call.id)
    if found.call.name == "todowrite":
        todos = found.metadata.get("todos") or found.given.get("todos")
        yield "todos", PlanUpdate(items=plan_items(todos, "content"))
    given = [", ".join(filter(None, map(text_of, items_of(raw)))) for raw in items_of(found.metadata.get("answers"))]
    answered = [(asked.question, text) for asked, text in zip(found.questions, given, strict=False) if text]
    for number, (question, text) in enumerate(answered):
        yield f"answer{number}", Answer(call_id=found.call.id, question=question, text=text)


def _changes_of(found: Called) -> Sequence[Change]:
    name, given = found.call.name, found.given
    if found.call.op == "shell":
        return shell_files.changes(text_of(given.get("command")), found.cwd)
    if name == "apply_patch":
        reported = (_patched_file(fields_of(raw), found.cwd) for raw in items_of(found.metadata.get("files")))
        known = [change for change in reported if change is not None]
        return known or in_patch(text_of(given.get("patchText")), found.cwd)
    path = place_of(text_of(given.get("filePath")), found.cwd)
    if path is not None and name == "write":
        is_new = bytes(found.metadata.get("exists", rawjson.ABSENT)) == b"false"
        return ((added if is_new else written)(path, text_of(given.get("content"))),)
    return (_edited(found, path),) if path is not None and name == "edit" else ()


def _edited(found: Called, path: str) -> Change:
    """Returns an edit with the position in the client's diff. An edit that replaces no text creates a file."""
    hunks = hunks_in(text_of(found.metadata.get("diff")))
    pair = Replacement(text_of(found.given.get("oldString")), text_of(found.given.get("newString")))
    if hunks:
        change = patched(Change(path=path, change="modify"), hunks)
    else:
        change = replaced(path, [pair], counted=not is_true(found.given.get("replaceAll")))
    return change if pair.old_string else msgspec.structs.replace(change, change="add")


def _patched_file(file: Fields, cwd: str | None) -> Change | None:
    """Returns a change of a patch as the client reports it."""
    path = place_of(text_of(file.get("filePath")), cwd)
    kind, moved = text_of(file.get("type")), text_of(file.get("movePath"))
    if path is None:
        return None
    if kind == "delete":
        return Change(path=path, change="delete")
    change = patched(Change(path=path, change="modify"), hunks_in(first_text(file, "patch", "diff")))
    if kind == "add":
        return msgspec.structs.replace(change, change="add")
    return renamed(change, moved, cwd) if moved else change
