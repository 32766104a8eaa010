"""Tool calls in the text of an answer, in fences or as `@tool(id): {...}`, and their results."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

import msgspec

from carryover.adapter.contract import ToolOutcome
from carryover.adapter.event_builder import OpenCall
from carryover.adapter.refusals import CLIENT_WORDED, refused
from carryover.model import Op, PlanItem, PlanState
from carryover.records.changes import Change, Replacement, replaced, written
from carryover.records.fields import SUBJECT_CHARS, bounded, resolved
from carryover.records.text import names_own_folder

INTERRUPTED: Final = "Interrupted by user"
_DECLINED: Final = "Execution declined by user"
_FINISHED: Final = "complete"
_KNOWN: Final[dict[str, Op]] = {"browser": "web", "read": "read", "save": "write", "shell": "shell", "todo": "plan"}
_EDITS: Final[dict[str, Op]] = dict.fromkeys(("append", "hashline_edit", "morph", "patch", "patch_many"), "edit")
_OTHERS: Final[dict[str, Op]] = dict.fromkeys(("chats", "gh", "ipython", "mcp", "memory", "py", "tmux"), "other")
_OPS: Final[dict[str, Op]] = {**_KNOWN, **_EDITS, **_OTHERS, "subagent": "agent", _FINISHED: "other"}
"""The tools that gptme runs from a fence (0.28 to 0.35)."""
_FENCE: Final = re.compile(r"^`{3,}(\S*)[ \t]*(.*)$", re.MULTILINE)
_NATIVE: Final = re.compile(r"^@(\w+)\(([\w\-:.]+)\):\s*(?=\{)", re.MULTILINE)
_HUNK: Final = re.compile(r"^<<<<<<< ORIGINAL\n(.*?)^=======\n(.*?)^>>>>>>> UPDATED", re.MULTILINE | re.DOTALL)
_OUTPUT: Final = re.compile(r"\n\n(?:```std(?:out|err)\n(.*?)\n?^```|`([^\n]*)`)$", re.MULTILINE | re.DOTALL)
_RETURNED: Final = re.compile(r"^Return code: (-?\d{1,9})$", re.MULTILINE)
_DONE: Final = re.compile(r"(?:Patch successfully applied|Saved|Appended) to `?([^`\n]*?)`?(?: \(|$)", re.MULTILINE)
_TODO: Final = re.compile(r"(Added|Updated|Removed) todo (\d{1,9})(?: (state|text) to)?: (.*)")
_STATES: Final[dict[str, PlanState]] = {"in_progress": "active", "completed": "done"}


def calls_in(text: str, cwd: str | None) -> tuple[str, list[OpenCall]]:
    """Returns what an answer says beside its calls, and the calls; those in fences have no id."""
    said = ""
    calls: list[OpenCall] = []
    at = 0
    for start, end, ident, tool, given in sorted([*_native(text), *_fenced(text)], key=lambda found: found[0]):
        if start < at:  # inside the call before
            continue
        said += text[at:start]
        at = end
        if tool != _FINISHED:
            calls.append(_call(ident, tool, given, cwd))
    return f"{said}{text[at:]}".strip(), calls


def outcome_of(call: OpenCall, text: str) -> ToolOutcome:
    """Returns how a call ended, by the message that follows it."""
    printed = "\n".join(found[1] or found[2] or "" for found in _OUTPUT.finditer(text))
    if text == INTERRUPTED or text.startswith("Command interrupted"):
        return ToolOutcome("interrupted", printed)
    if text == _DECLINED:
        return refused(text, by_client=is_worded(call), by_user=True)
    if call.op == "shell" and text.startswith(("Ran command:", "Ran allowlisted command:")):
        returned = _RETURNED.search(_OUTPUT.sub("", text))
        code = int(returned[1]) if returned is not None else 0
        return ToolOutcome("error" if code else "ok", printed, exit_code=code)
    failed = not _DONE.search(text) if call.op in ("edit", "write") else text.startswith("Error")
    return ToolOutcome("error" if failed or call.op == "shell" else "ok", text)


def is_worded(call: OpenCall) -> bool:
    """Whether gptme itself words the message that follows a call, around what was printed. That of the others (`mcp`,
    `browser`, `subagent`) may be a server's or a page's from its first character on."""
    return call.op in CLIENT_WORDED or call.op == "shell"


def changes_of(call: OpenCall, text: str) -> Iterator[Change]:
    """Yields what a call that succeeded changed. gptme names the file that it patched by its whole path."""
    done = _DONE.search(text)
    named = done[1] if done is not None and done[1].startswith("/") else None
    for change in call.changes:
        kind = "add" if call.op == "write" and "(overwritten)" not in text else change.change
        yield msgspec.structs.replace(change, path=named or change.path, change=kind)


def todos_after(todos: Mapping[str, PlanItem], text: str) -> dict[str, PlanItem]:
    """Returns the todo list, by id, after the changes that the tool reports, one per line."""
    known = dict(todos)
    for line in text.split("\n"):
        if line.startswith("Cleared"):
            known = {ident: item for ident, item in known.items() if "completed" in line and item.state != "done"}
        if (found := _TODO.fullmatch(line)) is None:
            continue
        verb, ident, what, said = found.groups()
        before = known.get(ident, PlanItem(text=said))
        if verb == "Removed":
            known.pop(ident, None)
        elif what == "state":
            known[ident] = PlanItem(text=before.text, state=_STATES.get(said, "pending"))
        else:
            known[ident] = PlanItem(text=said, state=before.state)
    return known


def _native(text: str) -> Iterator[tuple[int, int, str, str, Any]]:
    """Yields the start and end of each call, its id, the tool, and the arguments."""
    for found in _NATIVE.finditer(text):
        with suppress(ValueError, RecursionError):
            given, end = json.JSONDecoder().raw_decode(text, found.end())
            yield found.start(), end, found[2], found[1], given


def _fenced(text: str) -> Iterator[tuple[int, int, str, str, Any]]:
    """Yields the same of outermost blocks. A fence with a word opens one, inside another too; a bare one closes one."""
    opened: list[re.Match[str]] = []
    for fence in _FENCE.finditer(text):
        if fence[1] or not opened:
            opened.append(fence)
            continue
        first = opened.pop()
        if not opened and first[1] in _OPS:
            code = text[first.end() + 1 : max(first.end() + 1, fence.start() - 1)]
            given = {"path": first[2].strip(), "command": code, "patch": code, "content": code}
            yield first.start(), fence.end(), "", first[1], given


def _call(ident: str, tool: str, given: Mapping[str, Any], cwd: str | None) -> OpenCall:
    texts = {name: value for name, value in given.items() if isinstance(value, str)}
    if tool == "shell":
        return OpenCall.of_command(ident, tool, texts.get("command", ""), cwd)
    path = resolved(texts["path"], cwd) if texts.get("path") else None
    subject = path or next(filter(None, texts.values()), "")
    return OpenCall(
        id=ident,
        name=tool,
        op=_OPS.get(tool, "other"),
        subject=bounded(subject, SUBJECT_CHARS),
        changes=tuple(_changes(tool, path, texts)) if path is not None else (),
        handoff=names_own_folder(subject),
    )


def _changes(tool: str, path: str, given: Mapping[str, str]) -> Iterator[Change]:
    content = given.get("content", "")
    if tool == "patch":
        hunks = [Replacement(found[1], found[2]) for found in _HUNK.finditer(given.get("patch", ""))]
        yield replaced(path, hunks, counted=True)
    elif tool == "append":
        yield replaced(path, [Replacement("", content)], counted=True)
    elif tool == "save":
        yield written(path, content)
