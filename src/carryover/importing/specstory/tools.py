"""Parses a tool block: the call, its outcome and the files it changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePath
from typing import Final, Literal, NamedTuple

import msgspec

from carryover.adapter.contract import ToolOutcome
from carryover.importing.specstory.blocks import ToolBlock
from carryover.importing.specstory.layout import Fences
from carryover.model import Answer, AnyBody, Op, PlanItem, PlanState, PlanUpdate, Question
from carryover.records.changes import Change
from carryover.records.fields import MAX_PATH_CHARS, SUBJECT_CHARS, bounded
from carryover.records.patches import in_patch
from carryover.records.shell_files import changes as shell_changes

_KINDS: Final[dict[str, Op]] = {
    "shell": "shell",
    "read": "read",
    "write": "edit",
    "search": "search",
    "task": "plan",
}
OPERATIONS: Final[dict[str, Op]] = {
    **dict.fromkeys("bash shell shell_command exec_command run_shell_command command".split(), "shell"),
    **dict.fromkeys("run_terminal_cmd run_terminal_command run_terminal_command_v2".split(), "shell"),
    **dict.fromkeys("read read_file read_file_v2 notebookread view_image".split(), "read"),
    **dict.fromkeys("edit multiedit notebookedit strreplace search_replace edit_file edit_file_v2".split(), "edit"),
    **dict.fromkeys("replace apply_patch code_edit edit_notebook reapply delete delete_file".split(), "edit"),
    **dict.fromkeys("write write_file create_file".split(), "write"),
    **dict.fromkeys("grep glob ls list_dir list_directory grep_search file_search codebase_search".split(), "search"),
    **dict.fromkeys("glob_file_search ripgrep search_file_content".split(), "search"),
    **dict.fromkeys("webfetch websearch web_fetch web_search google_web_search".split(), "web"),
    **dict.fromkeys("todowrite todo_write update_plan write_todos exitplanmode enterplanmode".split(), "plan"),
    **dict.fromkeys("taskcreate taskupdate tasklist taskget create_plan".split(), "plan"),
    **dict.fromkeys("askuserquestion ask_question".split(), "ask"),
    **dict.fromkeys("task agent".split(), "agent"),
    **dict.fromkeys("taskoutput bashoutput killshell taskstop write_stdin skill toolsearch".split(), "other"),
}
"""Operations by lower-case tool name, for every agent that SpecStory reads. `_KINDS` covers other names."""

_IN_TICKS: Final = re.compile(r"`([^`\n]+)`")
_TICKED_LINE: Final = re.compile(r"`(.+)`$")
_RUN: Final = re.compile(r"Run command: (.+)$", re.DOTALL)
_BULLET: Final = re.compile(r"- (?:command|cmd): `(.*)$")
_FILE: Final = re.compile(r"(?:Edit|Read|Write|Delete|Create) file: (.+?)(?: \((?:lines|\d).*\))?$")
_SECTION: Final = re.compile(r"\*\*(Add|Update|Modify|Delete): `([^`\n]+)`\*\*$")
_SECTIONS: Final[dict[str, Literal["add", "delete"]]] = {"Add": "add", "Delete": "delete"}
_SAID_PATH: Final = re.compile(
    r"[Ff]ile (?:created|written|updated)? ?(?:successfully )?(?:at|to):? (?P<at>/.+?)(?: \(|$)"
    r"|[Tt]he file (?P<file>/.+?) has been (?:updated|created|modified|written)"
    r"|(?:[Ww]rote|overwrote|[Cc]reated|modified|updated|edited)\b[^/\n]{0,60}?(?P<plain>/[^\s'\"`:]+)",
    re.MULTILINE,
)
_CREATED: Final = re.compile(r"[Cc]reated (?:successfully|and wrote|new file)|successfully created", re.ASCII)
_CHECKBOX: Final = re.compile(r"\s*- \[(.)\]\s+(?:[🔥❄]\ufe0f?\s+|🌡\ufe0f?\s+)?(.+)$")
_STATES: Final[dict[str, PlanState]] = {"x": "done", "⚡": "active", "-": "active"}
_ASKED: Final = re.compile(r"\*\*(.+?)\*\*(?: _\(select multiple\)_)?$")
_OPTION: Final = re.compile(r"- \*\*(.+?)\*\*(?: - .*)?$")
_ANSWER: Final = re.compile(r"\*\*Answer:\*\* (.+)$")
_SHELLS: Final = frozenset(("bash", "sh", "shell", "zsh", "powershell"))
_CANCELLED: Final = frozenset(("Cancelled", "Canceled"))
_FAILED: Final = ("**Error:**", "**Apply failed**", "Status: **error**", "An unknown error occurred")
_EXIT: Final = re.compile(r"(?:Process exited with code|Exit code:?|exited with code) (-?\d{1,10})\b", re.IGNORECASE)
_EXIT_CHARS: Final = 300

ReadOutcome = Callable[[Op, str], ToolOutcome]
Locate = Callable[[str], str | None]
"""Maps a path in the document to an absolute path; None if that is unknown."""


class Fenced(NamedTuple):
    """A fenced block of a tool call."""

    language: str
    text: str


class ToolUse(NamedTuple):
    """The content of a tool block. `outcome` is None if the call may not have ended."""

    op: Op
    subject: str
    outcome: ToolOutcome | None
    changes: tuple[Change, ...]
    lines: tuple[str, ...]
    """The lines outside of fenced blocks."""


def read_tool(block: ToolBlock, read_outcome: ReadOutcome, locate: Locate, cwd: str | None) -> ToolUse:
    """Returns the block's call and outcome."""
    op = OPERATIONS.get(block.name.lower().removeprefix("functions."), _KINDS.get(block.kind, "other"))
    plain, fenced = _parted(block.body)
    lines = tuple(line.strip() for line in plain)
    command = _command(block, plain, fenced) if op == "shell" else ""
    if fenced and fenced[0].text.strip() == command:
        fenced = fenced[1:]
    shown = [part.text for part in fenced if not _is_input(op, part)]
    output = "\n".join(shown)
    outcome = _outcome(op, lines, output if shown else None, read_outcome)
    changes: tuple[Change, ...] = ()
    if op in ("edit", "write"):
        changes = _changes(block, lines, fenced, output)
    elif op == "shell" and outcome is not None and outcome.status == "ok":
        changes = shell_changes(command, cwd)
    located = tuple(_located(changes, locate))
    subject = command or (located[0].path if located else _question(lines) if op == "ask" else "")
    if not subject and op != "plan":
        subject = _subject(block, lines, locate)
    return ToolUse(op, bounded(subject, SUBJECT_CHARS), outcome, located, lines)


def _parted(body: Sequence[str]) -> tuple[list[str], list[Fenced]]:
    """Splits a block into the lines outside of fenced blocks, and these blocks."""
    plain: list[str] = []
    fenced: list[Fenced] = []
    fences = Fences()
    language, inside = "", list[str]()
    for line in body:
        was_open = bool(fences)
        fences.pass_line(line.encode())
        if was_open and not fences:
            fenced.append(Fenced(language, "\n".join(inside)))
        elif fences and not was_open:
            language, inside = line.strip().strip("`~").strip(), []
        else:
            (inside if was_open else plain).append(line)
    if fences:
        fenced.append(Fenced(language, "\n".join(inside)))
    return plain, fenced


def _is_input(op: Op, part: Fenced) -> bool:
    """Whether a fenced block is the tool's input: a diff, or the text that it writes."""
    return part.language == "diff" or (op in ("edit", "write") and part.language not in ("", "text"))


def _command(block: ToolBlock, plain: Sequence[str], fenced: Sequence[Fenced]) -> str:
    if fenced and fenced[0].language in _SHELLS:
        return fenced[0].text.strip()
    if found := _RUN.search(block.summary):
        return found[1].strip()
    for line in (block.summary, *plain):
        if found := _TICKED_LINE.match(line.strip()):
            return found[1]
    for at, line in enumerate(plain):
        if opened := _BULLET.match(line):
            return "\n".join((opened[1], *plain[at + 1 :])).partition("`")[0].strip("[]")
    return ""


def _outcome(op: Op, lines: Sequence[str], output: str | None, read_outcome: ReadOutcome) -> ToolOutcome | None:
    if not _CANCELLED.isdisjoint(lines):
        return ToolOutcome("interrupted", output or "")
    failed = any(line.startswith(_FAILED) for line in lines)
    if output is None and failed:
        return ToolOutcome("error", "\n".join(filter(None, lines)))
    if output is None:  # SpecStory shows no empty output
        return ToolOutcome("unknown") if op not in ("ask", "agent") else None
    found = read_outcome(op, output)
    return msgspec.structs.replace(found, status="error") if failed and found.status in ("ok", "unknown") else found


def outcome_in_text(op: Op, text: str) -> ToolOutcome:
    """Returns a call's outcome, for agents without `QuotedText`: the exit code at the beginning of the output."""
    found = _EXIT.search(text[:_EXIT_CHARS])
    if found is not None:
        code = int(found[1])
        return ToolOutcome("ok" if code == 0 else "error", text, code)
    return ToolOutcome("unknown" if op == "shell" else "ok", text)


def _changes(block: ToolBlock, lines: Sequence[str], fenced: Sequence[Fenced], output: str) -> tuple[Change, ...]:
    """Returns the files that an edit names: in a patch, in sections, in the summary, or in its result."""
    for part in fenced:
        if patched := in_patch(part.text, "/"):
            return tuple(msgspec.structs.replace(change, path=change.path.removeprefix("/")) for change in patched)
    if sections := [found for line in lines if (found := _SECTION.match(line))]:
        return tuple(Change(path=found[2], change=_SECTIONS.get(found[1], "modify")) for found in sections)
    path = _path(block, lines, output)
    if path is None:
        return ()
    if block.name.lower().startswith("delete"):
        return (Change(path=path, change="delete"),)
    return (Change(path=path, change="add" if _CREATED.search(output[:500]) else "modify"),)


def _path(block: ToolBlock, lines: Sequence[str], output: str) -> str | None:
    """Returns the file that a block is about, as spelled there."""
    for text in (block.summary, *lines):
        if found := _FILE.match(text[:MAX_PATH_CHARS]):
            return found[1].strip()
    if said := _SAID_PATH.search(output[:2000]):
        return said["at"] or said["file"] or said["plain"]
    return next((ticked[1] for text in (block.summary, *lines) if (ticked := _IN_TICKS.search(text))), None)


def _located(changes: Sequence[Change], locate: Locate) -> Iterator[Change]:
    for change in changes:
        path = locate(change.path)
        if path is not None and len(path) <= MAX_PATH_CHARS:
            old = locate(change.old_path) if change.old_path else None
            yield msgspec.structs.replace(change, path=path, old_path=old)


def _subject(block: ToolBlock, lines: Sequence[str], locate: Locate) -> str:
    named = _path(block, lines, "")
    if named is None:
        return block.summary or next(filter(None, lines), "")
    return (locate(named) or named) if PurePath(named).suffix or "/" in named else named


def _question(lines: Sequence[str]) -> str:
    asked = (_ASKED.match(line) for line in lines if not line.startswith("**Answer:"))
    return "\n".join(found[1] for found in asked if found is not None)


def said_by(use: ToolUse, call_id: str) -> Iterator[AnyBody]:
    """Yields the plan, or the question and its answer, that a tool block shows."""
    if use.op == "plan":
        boxes = filter(None, map(_CHECKBOX.match, use.lines))
        items = tuple(PlanItem(text=box[2].strip(), state=_STATES.get(box[1].lower(), "pending")) for box in boxes)
        if items:
            yield PlanUpdate(items=items)
    if use.op == "ask":
        answer = next((found[1] for line in use.lines if (found := _ANSWER.match(line))), "")
        if question := _question(use.lines):
            options = tuple(found[1] for line in use.lines if (found := _OPTION.match(line)))
            yield Question(call_id=call_id, text=question, options=options)
            if answer:
                yield Answer(call_id=call_id, question=question, text=answer)
