"""Calls as a task shows them: what each was asked to do, how it ended, and what it changed."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from carryover.adapter.contract import ToolOutcome
from carryover.adapter.event_builder import OpenCall, closed, opened
from carryover.adapter.refusals import refused
from carryover.families.vscode_tasks.builder import Builder
from carryover.model import AgentSummary, Op, PlanItem, PlanUpdate
from carryover.records.asked import plan_items
from carryover.records.changes import Change, Replacement, as_edit, hunks_in, patched, replaced, written
from carryover.records.fields import MAX_NAME_CHARS, MAX_PATH_CHARS, SHORT_CHARS, SUBJECT_CHARS, bounded, resolved
from carryover.records.lenient import Fields, fields_of, first_text, is_true, items_of, number_of, text_of
from carryover.records.text import names_own_folder, without_ansi, without_handoff

OPS: Final[dict[str, Op]] = {
    "editedExistingFile": "edit",
    "appliedDiff": "edit",
    "newFileCreated": "write",
    "fileDeleted": "edit",
    "readFile": "read",
    "listFilesTopLevel": "search",
    "listFilesRecursive": "search",
    "listCodeDefinitionNames": "search",
    "searchFiles": "search",
    "codebaseSearch": "search",
    "webFetch": "web",
    "webSearch": "web",
    "newTask": "agent",
}
"""Operations of the built-in tools, by the names under which they are shown. All others are `other`."""
_ABOUT: Final = ("path", "regex", "query", "content", "mode", "skill", "command")
_EXIT: Final = re.compile(r"\bexit code:? (\d{1,9})", re.IGNORECASE)
_EXIT_WITHIN: Final = 400
"""How far from its beginning a result names the exit code."""
_RAN: Final = re.compile(r"\ACommand (?:executed|failed)")
_DENIED: Final = re.compile(
    r"The user denied this operation"
    r"(?:\.(?: The file was not (?:created|updated, and maintains its original contents)\.)?"
    r"| and provided the following feedback:\n<feedback>\n.*\n</feedback>)",
    re.DOTALL,
)
"""The whole result of a refused call (Cline 2.18.0; Roo Code before its results were JSON: public source). What the
user typed is a message beside it, `user_feedback`, so no result is read for it: a file may hold the same text."""
_DENIED_KEYS: Final = frozenset(("status", "message", "feedback"))
"""All keys of such a result as JSON (Roo Code 3.52.1: public source)."""
_CLIENT_WORDED: Final = ("shell", "edit", "write")
"""Operations whose results begin with the client's words. Those of others may be a file, a list of names, a page or a
server's answer and nothing else."""
_FAILED: Final = re.compile(r"\A(?:The tool execution failed|Error)|\A\{\"status\":\s*\"error\"|<error>")
_BLOCK: Final = re.compile(
    r"^[-<]{5,} SEARCH>?\n(?::start_line:\s*(\d+)\n)?(?::end_line:.*\n)?(?:-{5,}\n)?"
    r"(.*?)\n?^={5,}\n(.*?)\n?^[+>]{5,} REPLACE",
    re.DOTALL | re.MULTILINE,
)
_TODO: Final = re.compile(r"^\s*[-*] \[([ xX-])\] (.+)$", re.MULTILINE)
_STATES: Final = {" ": "pending", "-": "active"}


def parse_call(builder: Builder) -> None:
    """Handles a message that shows a call, with its result as far as there is one."""
    shown = fields_of(text_of(builder.message.get("text")).encode("utf-8", "replace"))
    kind = text_of(shown.get("tool"))
    if kind in ("updateTodoList", "finishTask", "summarizeTask"):
        _parse_own(builder, kind, shown)
        return
    call = _opened(builder, kind, shown)
    builder.add(call.as_event(), "call")
    builder.change(calls=opened(builder.context.calls, call))
    if not is_true(builder.message.get("over")):
        return
    builder.change(calls=closed(builder.context.calls, call.id))
    outcome = _outcome(call, text_of(builder.message.get("result")), is_asked=_is_asked(builder))
    builder.add(call.ended(outcome), "result")
    if outcome.status in ("ok", "unknown"):
        for number, change in enumerate(call.changes if outcome.status == "ok" or not _is_asked(builder) else ()):
            builder.add(as_edit(change, call.id), f"edit{number}")


def _is_asked(builder: Builder) -> bool:
    return text_of(builder.message.get("type")) == "ask"


def _parse_own(builder: Builder, kind: str, shown: Fields) -> None:
    """Handles a call about the conversation itself."""
    if kind == "updateTodoList" and (items := plan_items(shown.get("todos"), "content")):
        builder.add(PlanUpdate(items=items), "plan")
    elif kind == "summarizeTask" and (text := without_handoff(text_of(shown.get("content"))).strip()):
        builder.add(AgentSummary(text=text, source="compaction"), "summary")


def _opened(builder: Builder, kind: str, shown: Fields) -> OpenCall:
    cwd = builder.context.cwd
    if not kind and "toolName" not in shown:
        command = text_of(builder.message.get("text")).strip()
        return OpenCall.of_command(builder.ident, "command", command, cwd)
    name = kind or f"{text_of(shown.get('serverName'))}__{text_of(shown.get('toolName'))}"
    about = first_text(shown, *_ABOUT)
    return OpenCall(
        id=builder.ident,
        name=bounded(name, MAX_NAME_CHARS),
        op=OPS.get(kind, "other"),
        subject=bounded(about or name, SUBJECT_CHARS),
        changes=_changes(kind, shown, cwd),
        handoff=names_own_folder(about),
    )


def _outcome(call: OpenCall, text: str, *, is_asked: bool) -> ToolOutcome:
    text = without_ansi(text)
    if not text:
        return ToolOutcome("unknown")
    if is_asked and _is_denial(text):
        return refused(text, by_client=call.op in _CLIENT_WORDED, by_user=True)
    if call.op == "shell":
        return _of_command(text)
    if _FAILED.search(text[:_EXIT_WITHIN]):
        return ToolOutcome("error", text)
    return ToolOutcome("ok", text if call.op in ("search", "other", "web") else "")


def _is_denial(text: str) -> bool:
    if _DENIED.fullmatch(text):
        return True
    fields = fields_of(text.encode("utf-8", "replace"))
    return text_of(fields.get("status")) == "denied" and fields.keys() <= _DENIED_KEYS


def _of_command(text: str) -> ToolOutcome:
    found = _EXIT.search(text[:_EXIT_WITHIN])
    _, _, output = text.partition("Output:\n")
    if found is None:
        # Before exit codes were recorded, and for a terminal that tells none.
        return ToolOutcome("unknown" if _RAN.match(text) or not _FAILED.match(text) else "error", output or text)
    code = int(found[1])
    return ToolOutcome("error" if code else "ok", output, exit_code=code)


def _changes(kind: str, shown: Fields, cwd: str | None) -> tuple[Change, ...]:
    if kind not in ("editedExistingFile", "appliedDiff", "newFileCreated", "fileDeleted"):
        return ()
    batch = [fields_of(raw) for raw in items_of(shown.get("batchDiffs"))]
    found = (_change(kind, each, cwd) for each in batch or [shown])
    return tuple(change for change in found if change is not None)


def _change(kind: str, shown: Fields, cwd: str | None) -> Change | None:
    path = resolved(text_of(shown.get("path")), cwd) if "path" in shown else None
    if path is None or len(path) > MAX_PATH_CHARS:
        return None
    if kind == "fileDeleted":
        return Change(path=path, change="delete")
    content = first_text(shown, "diff", "content")
    blocks = _BLOCK.findall(content)
    if blocks:
        numbers = items_of(shown.get("startLineNumbers"))
        line = number_of(numbers[0]) if numbers else int(blocks[0][0] or 0)
        pairs = [Replacement(old, new) for _, old, new in blocks]
        return msgspec.structs.replace(replaced(path, pairs, counted=True), line=line or None)
    if hunks := hunks_in(content):
        return patched(Change(path=path, change="modify"), hunks)
    change = written(path, content)
    return msgspec.structs.replace(change, change="add") if kind == "newFileCreated" else change


def todos_in(text: str) -> tuple[PlanItem, ...]:
    """Returns the entries of a todo list in Markdown."""
    return tuple(
        PlanItem(text=bounded(entry.strip(), SHORT_CHARS), state=_STATES.get(mark, "done"))  # type: ignore[arg-type]
        for mark, entry in _TODO.findall(text)
    )
