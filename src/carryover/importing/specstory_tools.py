"""Reads the tool blocks of a SpecStory document: what each call was, how it ended, and what it changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import PurePath
from typing import Final, Literal, NamedTuple

import msgspec

from carryover.adapter.contract import ToolOutcome
from carryover.importing.specstory_blocks import Fences, ToolBlock
from carryover.model import Answer, AnyBody, Op, PlanItem, PlanState, PlanUpdate, Question
from carryover.records.changes import Change
from carryover.records.fields import MAX_PATH_CHARS, SUBJECT_CHARS, bounded
from carryover.records.patches import in_patch
from carryover.records.shell_files import changes as shell_changes

_EXIT_CHARS: Final = 300

_KINDS: Final[dict[str, Op]] = {"shell": "shell", "read": "read", "write": "edit", "search": "search", "task": "plan"}
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
_FAILED: Final = ("**Error:**", "**Apply failed**", "Status: **error**", "An unknown error occurred")
_EXIT: Final = re.compile(r"(?:Process exited with code|Exit code:?|exited with code) (-?\d{1,10})\b", re.IGNORECASE)

Locate = Callable[[str], str | None]
"""Maps a path in the document to an absolute path; None if that is unknown."""


class ToolUse(NamedTuple):
    """The content of a tool block. `outcome` is None if the call may not have ended. `lines`: those outside fences."""

    op: Op
    subject: str
    outcome: ToolOutcome | None
    changes: tuple[Change, ...]
    lines: tuple[str, ...]


def read_tool(
    block: ToolBlock, read_outcome: Callable[[Op, str], ToolOutcome], locate: Locate, cwd: str | None
) -> ToolUse:
    """Returns the block's call and outcome."""
    op = OPERATIONS.get(block.name.lower().removeprefix("functions."), _KINDS.get(block.kind, "other"))
    plain, fenced = _parted(block.body)
    lines = tuple(line.strip() for line in plain)
    command = _command(block, plain, fenced) if op == "shell" else ""
    if fenced and fenced[0][1].strip() == command:
        fenced = fenced[1:]
    # A diff is input, and so is the text that a tool writes.
    inputs = op in ("edit", "write")
    shown = [text for name, text in fenced if name != "diff" and (not inputs or name in ("", "text"))]
    outcome = _outcome(op, lines, "\n".join(shown) if shown else None, read_outcome)
    made: Sequence[Change] = ()
    if inputs:
        made = _changes(block, lines, fenced, "\n".join(shown))
    elif op == "shell" and outcome is not None and outcome.status == "ok":
        made = shell_changes(command, cwd)
    changes = tuple(_located(made, locate))
    subject = command or (changes[0].path if changes else "")
    if not subject and op == "ask":
        subject = _question(lines)
    if not subject and op != "plan":
        subject = _subject(block, lines, locate)
    return ToolUse(op, bounded(subject, SUBJECT_CHARS), outcome, changes, lines)


def _subject(block: ToolBlock, lines: Sequence[str], locate: Locate) -> str:
    """Returns the file that a block is about, or else its summary or first line."""
    named = _path(block, lines, "")
    if named is None:
        return block.summary or next(filter(None, lines), "")
    is_path = PurePath(named).suffix or "/" in named
    return (locate(named) if is_path else None) or named


def _parted(body: Sequence[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """Splits a block into the lines outside of fenced blocks, and these blocks with their languages."""
    plain: list[str] = []
    fenced: list[tuple[str, list[str]]] = []
    fences = Fences()
    for line in body:
        was_open = bool(fences)
        fences.pass_line(line)
        if fences and not was_open:
            fenced.append((line.strip().strip("`~").strip(), []))
        elif fences:
            fenced[-1][1].append(line)
        elif not was_open:
            plain.append(line)
    return plain, [(language, "\n".join(inside)) for language, inside in fenced]


def _command(block: ToolBlock, plain: Sequence[str], fenced: Sequence[tuple[str, str]]) -> str:
    if fenced and fenced[0][0] in ("bash", "sh", "shell", "zsh", "powershell"):
        return fenced[0][1].strip()
    if found := _RUN.search(block.summary):
        return found[1].strip()
    for line in (block.summary, *plain):
        if found := _TICKED_LINE.match(line.strip()):
            return found[1]
    for at, line in enumerate(plain):
        if opened := _BULLET.match(line):
            return "\n".join((opened[1], *plain[at + 1 :])).partition("`")[0].strip("[]")
    return ""


def _outcome(
    op: Op, lines: Sequence[str], output: str | None, read_outcome: Callable[[Op, str], ToolOutcome]
) -> ToolOutcome | None:
    failed = any(line.startswith(_FAILED) for line in lines)
    if "Cancelled" in lines or "Canceled" in lines:
        return ToolOutcome("interrupted", output or "")
    if output is None and failed:
        return ToolOutcome("error", "\n".join(filter(None, lines)))
    if output is None:  # SpecStory shows no empty output
        return ToolOutcome("unknown") if op not in ("ask", "agent") else None
    found = read_outcome(op, output)
    return msgspec.structs.replace(found, status="error") if failed and found.status in ("ok", "unknown") else found


def outcome_in_text(op: Op, text: str) -> ToolOutcome:
    """Returns a call's outcome, for agents without `QuotedText`: the exit code at the beginning of the output."""
    if found := _EXIT.search(text[:_EXIT_CHARS]):
        return ToolOutcome("ok" if int(found[1]) == 0 else "error", text, int(found[1]))
    return ToolOutcome("unknown" if op == "shell" else "ok", text)


def _changes(
    block: ToolBlock, lines: Sequence[str], fenced: Sequence[tuple[str, str]], output: str
) -> tuple[Change, ...]:
    """Returns the files that an edit names: in a patch, in sections, in the summary, or in its result."""
    for _, text in fenced:
        if patched := in_patch(text, "/"):
            return tuple(msgspec.structs.replace(change, path=change.path.removeprefix("/")) for change in patched)
    if sections := [found for line in lines if (found := _SECTION.match(line))]:
        return tuple(Change(path=found[2], change=_SECTIONS.get(found[1], "modify")) for found in sections)
    path = _path(block, lines, output)
    if path is None:
        return ()
    if block.name.lower().startswith("delete"):
        return (Change(path=path, change="delete"),)
    is_new = _CREATED.search(output[:500])
    return (Change(path=path, change="add" if is_new else "modify"),)


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


def _question(lines: Sequence[str]) -> str:
    asked = (_ASKED.match(line) for line in lines if not line.startswith("**Answer:"))
    return "\n".join(found[1] for found in asked if found is not None)


def said_by(use: ToolUse, call_id: str) -> Iterator[AnyBody]:
    """Yields the plan, or the question and its answer, that a tool block shows."""
    if use.op == "plan":
        items = tuple(
            PlanItem(text=box[2].strip(), state=_STATES.get(box[1].lower(), "pending"))
            for box in _matches(_CHECKBOX, use.lines)
        )
        if items:
            yield PlanUpdate(items=items)
    if use.op == "ask":
        question = _question(use.lines)
        if not question:
            return
        options = tuple(option[1] for option in _matches(_OPTION, use.lines))
        yield Question(call_id=call_id, text=question, options=options)
        answer = next((found[1] for found in _matches(_ANSWER, use.lines)), "")
        if answer:
            yield Answer(call_id=call_id, question=question, text=answer)


def _matches(form: re.Pattern[str], lines: Iterable[str]) -> Iterator[re.Match[str]]:
    return filter(None, map(form.match, lines))
