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
from carryover.model import Op, PlanItem, PlanState
from carryover.records.changes import Change
from carryover.records.fields import MAX_PATH_CHARS, SUBJECT_CHARS, bounded
from carryover.records.patches import files_in_patch, in_patch
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
_FILE: Final = re.compile(
    r"(?:Edit|Read|Write|Delete|Create) file: (.+?)(?: \((?:lines|\d).*\))?$|Apply patch for (.+)$"
)
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


class Fenced(NamedTuple):
    """A fenced block of a tool call."""

    language: str
    text: str


class ToolUse(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a tool block. `outcome` is None if the call may not have ended."""

    op: Op
    subject: str
    outcome: ToolOutcome | None
    changes: tuple[Change, ...] = ()
    plan: tuple[PlanItem, ...] = ()
    question: str = ""
    options: tuple[str, ...] = ()
    answer: str = ""


ReadOutcome = Callable[[Op, str], ToolOutcome]
Locate = Callable[[str], str | None]
"""Maps a path in the document to an absolute path; None if that is unknown."""


def read_tool(block: ToolBlock, read_outcome: ReadOutcome, locate: Locate, cwd: str | None) -> ToolUse:
    """Returns the block's call and outcome."""
    op = OPERATIONS.get(block.name.lower().removeprefix("functions."), _KINDS.get(block.kind, "other"))
    plain, fenced = _parted(block.body)
    command, used = _command(block, plain, fenced) if op == "shell" else ("", 0)
    shown = [part for part in fenced[used:] if not _is_input(op, part)]
    output = "\n".join(part.text for part in shown)
    outcome = _outcome(op, plain, output if shown else None, read_outcome)
    changes = _changes(block, plain, fenced, output, locate) if op in ("edit", "write") else ()
    if op == "shell" and outcome is not None and outcome.status == "ok":
        changes = tuple(_located(shell_changes(command, cwd), locate))
    question, options, answer = _asked(plain) if op == "ask" else ("", (), "")
    subject = command or question or (changes[0].path if changes else "")
    if not subject and op != "plan":
        subject = _subject(block, plain, locate)
    return ToolUse(
        op=op,
        subject=bounded(subject, SUBJECT_CHARS),
        outcome=outcome,
        changes=changes,
        plan=_plan(plain) if op == "plan" else (),
        question=question,
        options=options,
        answer=answer,
    )


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


def _command(block: ToolBlock, plain: Sequence[str], fenced: Sequence[Fenced]) -> tuple[str, int]:
    """Returns the command, and how many fenced blocks it takes up, which depends on the agent."""
    if fenced and fenced[0].language in _SHELLS:
        return fenced[0].text.strip(), 1
    if found := _RUN.search(block.summary):
        return found[1].strip(), 0
    if found := _TICKED_LINE.match(block.summary):
        return found[1], 0
    lines = [line.strip() for line in plain]
    if found := next((ticked for line in lines if (ticked := _TICKED_LINE.match(line))), None):
        return found[1], 0
    for at, line in enumerate(plain):
        if opened := _BULLET.match(line):
            rest = "\n".join((opened[1], *plain[at + 1 :]))
            return rest.partition("`")[0].strip("[]"), 0
    return "", 0


def _outcome(op: Op, plain: Sequence[str], output: str | None, read_outcome: ReadOutcome) -> ToolOutcome | None:
    lines = [line.strip() for line in plain if line.strip()]
    if any(line in _CANCELLED for line in lines):
        return ToolOutcome("interrupted", output or "")
    failed = any(line.startswith(_FAILED) for line in lines)
    if output is None and failed:
        return ToolOutcome("error", "\n".join(lines))
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


def _changes(
    block: ToolBlock, plain: Sequence[str], fenced: Sequence[Fenced], output: str, locate: Locate
) -> tuple[Change, ...]:
    """Returns the files that an edit names: in sections of a patch, in the summary, or in its result."""
    patch = next((part.text for part in fenced if files_in_patch(part.text)), None)
    if patch is not None:
        return tuple(_located(in_patch(patch, "/"), lambda path: locate(path.removeprefix("/")) or locate(path)))
    sections = [found for line in plain if (found := _SECTION.match(line.strip()))]
    path = _path(block, plain, output)
    if sections:
        changes = [Change(path=found[2], change=_SECTIONS.get(found[1], "modify")) for found in sections]
    elif path is None:
        return ()
    elif block.name.lower().startswith("delete"):
        changes = [Change(path=path, change="delete")]
    else:
        changes = [Change(path=path, change="add" if _CREATED.search(output[:500]) else "modify")]
    return tuple(_located(changes, locate))


def _path(block: ToolBlock, plain: Sequence[str], output: str) -> str | None:
    """Returns the file that a block is about, as spelled there."""
    for text in (block.summary, *plain):
        if found := _FILE.match(text[:MAX_PATH_CHARS].strip()):
            return (found[1] or found[2]).strip()
    if said := _SAID_PATH.search(output[:2000]):
        return said["at"] or said["file"] or said["plain"]
    for text in (block.summary, *plain):
        if ticked := _IN_TICKS.search(text):
            return ticked[1]
    return None


def _located(changes: Sequence[Change] | Iterator[Change], locate: Locate) -> Iterator[Change]:
    for change in changes:
        path = locate(change.path)
        if path is not None and len(path) <= MAX_PATH_CHARS:
            old = locate(change.old_path) if change.old_path else None
            yield msgspec.structs.replace(change, path=path, old_path=old)


def _subject(block: ToolBlock, plain: Sequence[str], locate: Locate) -> str:
    named = _path(block, plain, "")
    if named is None:
        return block.summary or next((line.strip() for line in plain if line.strip()), "")
    return (locate(named) or named) if PurePath(named).suffix or "/" in named else named


def _plan(plain: Sequence[str]) -> tuple[PlanItem, ...]:
    found = (_CHECKBOX.match(line) for line in plain)
    return tuple(
        PlanItem(text=box[2].strip(), state=_STATES.get(box[1].lower(), "pending")) for box in found if box is not None
    )


def _asked(plain: Sequence[str]) -> tuple[str, tuple[str, ...], str]:
    """Returns question, options and answer. Several questions in one call are joined."""
    lines = [line.strip() for line in plain]
    answer = next((found[1] for line in lines if (found := _ANSWER.match(line))), "")
    asked = [found[1] for line in lines if not line.startswith("**Answer:") and (found := _ASKED.match(line))]
    options = tuple(found[1] for line in lines if (found := _OPTION.match(line)))
    return "\n".join(asked), options, answer
