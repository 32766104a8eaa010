"""Tool calls in the text of an answer, in fences or as `@tool(id): {...}`, and their results."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from carryover.adapter.contract import ToolOutcome
from carryover.adapter.event_builder import OpenCall
from carryover.model import Op, PlanItem, PlanState
from carryover.records.changes import Change, Replacement, replaced, written
from carryover.records.fields import SUBJECT_CHARS, bounded, resolved
from carryover.records.text import names_own_folder

INTERRUPTED: Final = "Interrupted by user"
_DECLINED: Final = "Execution declined by user"
_EDITS: Final = frozenset(("append", "hashline_edit", "morph", "patch", "patch_many"))
_OPS: Final[dict[str, Op]] = {
    **dict.fromkeys(_EDITS, "edit"),
    **dict.fromkeys(("chats", "gh", "ipython", "mcp", "memory", "py", "tmux"), "other"),
    "browser": "web",
    "read": "read",
    "save": "write",
    "shell": "shell",
    "subagent": "agent",
    "todo": "plan",
}
"""The tools that gptme runs from a fence (0.28 to 0.35)."""
_FINISHED: Final = "complete"
"""The call by which the model ends a run without a terminal."""
_ARGUMENT: Final = {"shell": "command", "patch": "patch"}
_FENCE: Final = re.compile(r"`{3,}(\S*)[ \t]*(.*)")
_NATIVE: Final = re.compile(r"^@(\w+)\(([\w\-:.]+)\):\s*(?=\{)", re.MULTILINE)
_JSON: Final = json.JSONDecoder()
_HUNK: Final = re.compile(r"^<<<<<<< ORIGINAL\n(.*?)^=======\n(.*?)^>>>>>>> UPDATED", re.MULTILINE | re.DOTALL)
_OUTPUT: Final = re.compile(r"^```(?:stdout|stderr)\n(.*?)\n?^```$", re.MULTILINE | re.DOTALL)
_RETURNED: Final = re.compile(r"^Return code: (-?\d{1,9})$", re.MULTILINE)
_RAN: Final = ("Ran command:", "Ran allowlisted command:")
_DONE: Final = re.compile(r"(?:Patch successfully applied to|Saved to|Appended to) `?([^`\n]*?)`?(?: \(|$)", re.MULTILINE)
_TODO: Final = re.compile(r"(Added|Updated|Removed) todo (\d{1,9})(?: (state|text) to)?: (.*)")
_STATES: Final[dict[str, PlanState]] = {"in_progress": "active", "completed": "done"}


class Block(NamedTuple):
    """A fenced block in a text, by line numbers; `end` is the line after it."""

    start: int
    end: int
    tool: str
    argument: str
    code: str


def calls_in(text: str, cwd: str | None) -> tuple[str, list[OpenCall]]:
    """Returns what an answer says beside its calls, and the calls; those in fences have no id."""
    said, calls = _native(text, cwd)
    lines = said.split("\n")
    for block in reversed([*_blocks(lines)]):
        if block.tool in _OPS:
            given = {"path": block.argument, _ARGUMENT.get(block.tool, "content"): block.code}
            calls.insert(0, _call("", block.tool, given, cwd))
        if block.tool in _OPS or block.tool == _FINISHED:
            lines[block.start : block.end] = []
    return "\n".join(lines).strip(), [call for call in calls if call.name != _FINISHED]


def outcome_of(call: OpenCall, text: str) -> ToolOutcome:
    """Returns how a call ended, by the message that follows it."""
    if text == INTERRUPTED or text.startswith("Command interrupted"):
        return ToolOutcome("interrupted", _printed(text))
    if text == _DECLINED:
        return ToolOutcome("denied", never_ran=True)
    if call.op == "shell" and text.startswith(_RAN):
        returned = _RETURNED.search(_OUTPUT.sub("", text))
        code = int(returned[1]) if returned is not None else 0
        return ToolOutcome("error" if code else "ok", _printed(text), exit_code=code)
    failed = not _DONE.search(text) if call.op in ("edit", "write") else text.startswith("Error")
    return ToolOutcome("error" if failed or call.op == "shell" else "ok", text)


def changes_of(call: OpenCall, text: str) -> Iterator[Change]:
    """Yields what a call that succeeded changed. gptme names the file that it patched by its whole path."""
    done = _DONE.search(text)
    named = done[1] if done is not None and done[1].startswith("/") else None
    for change in call.changes:
        is_new = call.op == "write" and "(overwritten)" not in text
        kind = "add" if is_new else change.change
        yield msgspec.structs.replace(change, path=named or change.path, change=kind)


def todos_after(todos: Mapping[str, PlanItem], text: str) -> dict[str, PlanItem]:
    """Returns the todo list, by id, after the changes that the tool reports, one per line."""
    known = dict(todos)
    for line in text.split("\n"):
        if line.startswith("Cleared"):
            known = {ident: item for ident, item in known.items() if "completed" in line and item.state != "done"}
        elif found := _TODO.fullmatch(line):
            verb, ident, what, said = found.groups()
            item = known.pop(ident, PlanItem(text=said)) if verb != "Added" else PlanItem(text=said)
            if verb != "Removed":
                state = _STATES.get(said, "pending") if what == "state" else item.state
                known[ident] = PlanItem(text=item.text if what == "state" else said, state=state)
    return dict(sorted(known.items(), key=_number))


def _number(entry: tuple[str, PlanItem]) -> int:
    return int(entry[0])


def _printed(text: str) -> str:
    return "\n".join(found[1] for found in _OUTPUT.finditer(text))


def _native(text: str, cwd: str | None) -> tuple[str, list[OpenCall]]:
    """Returns the text without native calls, and the calls."""
    said: list[str] = []
    calls: list[OpenCall] = []
    at = 0
    while (found := _NATIVE.search(text, at)) is not None:
        try:
            given, end = _JSON.raw_decode(text, found.end())
        except (ValueError, RecursionError):
            break
        said.append(text[at : found.start()])
        calls.append(_call(found[2], found[1], given, cwd))
        at = end
    return "".join([*said, text[at:]]), calls


def _blocks(lines: list[str]) -> Iterator[Block]:
    """Yields the outermost fenced blocks. A fence with a word opens one, inside another block too; a bare one closes."""
    opened: list[tuple[int, re.Match[str]]] = []
    for number, line in enumerate(lines):
        fence = _FENCE.fullmatch(line)
        if fence is None:
            continue
        if fence[1] or not opened:
            opened.append((number, fence))
            continue
        start, first = opened.pop()
        if not opened:
            yield Block(start, number + 1, first[1], first[2].strip(), "\n".join(lines[start + 1 : number]))


def _call(ident: str, tool: str, given: Mapping[str, Any], cwd: str | None) -> OpenCall:
    texts = {name: value for name, value in given.items() if isinstance(value, str)}
    if tool == "shell":
        return OpenCall.of_command(ident, tool, texts.get("command", ""), cwd)
    path = resolved(texts["path"], cwd) if texts.get("path") else None
    subject = path or next(filter(None, texts.values()), "")
    change = _change(tool, path, texts) if path is not None else None
    return OpenCall(
        id=ident,
        name=tool,
        op=_OPS.get(tool, "other"),
        subject=bounded(subject, SUBJECT_CHARS),
        changes=(change,) if change is not None else (),
        handoff=names_own_folder(subject),
    )


def _change(tool: str, path: str, given: Mapping[str, str]) -> Change | None:
    content = given.get("content", "")
    match tool:
        case "patch":
            pairs = [Replacement(found[1], found[2]) for found in _HUNK.finditer(given.get("patch", ""))]
            return replaced(path, pairs, counted=True)
        case "append":
            return replaced(path, [Replacement("", content)], counted=True)
        case "save":
            return written(path, content)
    return None
