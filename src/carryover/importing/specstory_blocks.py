"""Finds turns, spoken text and tool calls in the lines of a SpecStory document.

Tool output and pasted text are unescaped, so what looks like a turn's heading may be quoted. It counts only outside
tool blocks and, within a fenced block, only below a rule, which SpecStory puts between two speakers.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath
from typing import Final, Literal

import msgspec

from carryover.adapter.contract import QuotedText, ToolOutcome
from carryover.importing.calls import op_of
from carryover.importing.specstory_given import given_in, plan_or_questions, printed_in, replaced_in
from carryover.importing.turns import CUT_INPUT, Fences, absolute_path
from carryover.model import AnyBody, FileEdit, Op, ResultStatus
from carryover.records.fields import MAX_PATH_CHARS, subject_of
from carryover.records.patches import in_patch
from carryover.records.shell_files import changes as shell_changes
from carryover.records.text import names_own_folder, unescaped
from carryover.records.uris import path_of
from carryover.text.harmless import one_line
from carryover.text.pattern import later
from carryover.transcript.recorder import OpenCall, usable_name

HEADING: Final = later(
    r"_\*\*(User|Agent|Assistant)( - sidechain)?(?: \((?!sidechain\))(.{0,200}?)\))?( \(sidechain\))?\*\*_[ \t\r]*$"
)
"""Heading of a turn (all versions): the speaker, whether in a sub-agent, and in brackets model and time."""
_TOOL: Final = later(r'<tool-use data-tool-type="([^"]{0,80})" data-tool-name="([^"]{0,200})">')
"""Start of a tool block (Markdown v2.0 and later)."""
_TOOL_END: Final = "</tool-use>"
_OLDER_TOOL: Final = later(r"Tool use: \*\*([^*]{1,200})\*\*(?:\s*$| (\S.*))")
"""Start of a tool's part (before v2). What the call is about may follow on the line; a rule ends the part."""
_OLDER_PLAN: Final = "**Agent task list:**"
_CLOSING: Final = {"```bash": "```", "```diff": "```", "<details>": "</details>"}
"""First and last lines of the parts of tools without a name (first half of 2025), between which rules may be."""
_REASONS: Final = (
    "Tool call errored or timed out",
    "The string to replace was not found in the file.",
    "The model provided an ambiguous search string to replace.",
    "Model provided invalid arguments to find/replace tool.",
    "Incorrect tool arguments",
)
"""All that is shown of a call that failed, in one line."""
_ALONE: Final = ("Cancelled", *_REASONS)
_READ: Final = later(r"Read file: \S.*")
_EDITED: Final = "<details><summary>Edit file: "
_MOST_ENDS: Final = 100
"""How many possible last lines of a block are checked against its fences; a document may consist of such lines."""
_RULE: Final = "---"
_NOBODY: Final = "_****_"
"""Heading of each part of an answer (before April 2025)."""
_TAGS: Final = later(r"</?(?:tool-use|details)\b[^>\n]{0,400}>")
_SUMMARY_CHARS: Final = 20_000
_ESCAPES: Final = ("&lt;", "&gt;", "&amp;", "&#")
_TOOL_NAME: Final = later(r"^Tool use: \*\*[^*]{1,200}\*\*")
_KINDS: Final[dict[str, Op]] = {"shell": "shell", "read": "read", "write": "edit", "search": "search", "task": "plan"}
"""Operations of tools whose names are not known, by kind."""

_IN_TICKS: Final = later(r"`([^`\n]+)`")
_TICKED_LINE: Final = later(r"`(.+)`$")
_RUN: Final = later(r"Run command: (.+)$", re.DOTALL)
_BULLET: Final = later(r"- (?:command|cmd): `(.*)$")
_PATH_BULLET: Final = later(r"- (?:file_?path|path): `([^`\n]+)`$", re.IGNORECASE)
_FILE: Final = later(r"(?:Edit|Read|Write|Delete|Create) file: (.+?)(?: \((?:lines|\d).{0,80}\))?$")
_LINKED: Final = later(r"\]\((file:[^)\s]{1,4096})\)")
"""A file as VS Code names it in what it says of a call."""
_WILD: Final = frozenset("*?|")
"""Signs of a pattern, which a path rarely has."""
_SECTION: Final = later(r"\*\*(Add|Update|Modify|Delete): `([^`\n]+)`\*\*$")
_LISTED: Final = later(r"\n([ADM]) (\S[^\n]*)")
_UPDATED: Final = "Success. Updated the following files:"
"""Stands above the files that a patch changed, a line each."""
_SECTIONS: Final[dict[str, Literal["add", "delete"]]] = {"Add": "add", "A": "add", "Delete": "delete", "D": "delete"}
_ROOT: Final = r"(?:[A-Za-z]:[\\/]|/)"
_SAID_PATH: Final = later(
    rf"[Ff]ile (?:created|written|updated)? ?(?:successfully )?(?:at|to):? (?P<at>{_ROOT}.+?)(?: \(|$)"
    rf"|[Tt]he file (?P<file>{_ROOT}.+?) has been (?:updated|created|modified|written)"
    r"|(?:[Ww]rote|overwrote|[Cc]reated|modified|updated|edited)\b[^/\n]{0,60}?"
    rf"(?P<plain>{_ROOT}[^\s'\"`:]*[^\s'\"`:.,;)])",
    re.MULTILINE,
)
_CREATED: Final = later(r"[Cc]reated (?:successfully|and wrote|new file)|successfully created", re.ASCII)
_LEADS_IN: Final = later(r"(?:(?:Parameters|Additional data|Result|Error):|Cancelled)$|Status: \*\*")
"""Lines that say nothing of what a call was about: labels of a tool that has no form of its own (v2.1.0), and how it
ended."""
_FAILED: Final = (
    *(*_REASONS, "**Error:**", "**Apply failed**", "Status: **error**", "An unknown error occurred"),
    'Glob pattern "**/*" matches every file',
)
_FAILED_ALONE: Final = frozenset(("Error:", "File not found"))
"""Likewise, if nothing else is on the line."""


class ToolBlock(msgspec.Struct, frozen=True):
    """A tool call. `kind` is shell, read, write, search, task, generic or unknown; `summary` is the summary line
    without the tool's name, `body` the lines after it."""

    kind: str
    name: str
    summary: str
    body: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing but the name is shown."""
        return not self.summary and not any(map(str.strip, self.body))


def turn_lines(lines: Sequence[str]) -> list[int]:
    """Returns the indexes of the lines at which turns begin."""
    found: list[int] = []
    fences = Fences()
    ends = _tool_ends(lines)
    thoughts = [at for at, line in enumerate(lines) if "</think>" in line]
    ruled = True  # a rule was above, blank lines aside
    blank = True  # a blank line was above
    at = 0
    while at < len(lines):
        line = lines[at]
        if blank and HEADING.match(line) and (ruled or not fences):
            found.append(at)
            fences = Fences()
        elif not fences and _TOOL.match(line):
            at = _tool_end(lines, at, ends)
            line = ""
        elif not fences and line.startswith("<think>") and (first := bisect_left(thoughts, at)) < len(thoughts):
            at = thoughts[first]  # its fences may have no end
            line = ""
        else:
            fences.pass_line(line)
        blank = not line.strip()
        ruled = line.strip() == _RULE or (blank and ruled)
        at += 1
    return found


def blocks(text: str, *, unnamed: bool = False) -> Iterator[str | ToolBlock]:
    """Yields the parts of an agent's turn in order; the model's thoughts are left out. A text may be empty.

    `unnamed`: whether the document may be one in which tools have no names.
    """
    if unnamed and "<tool-use " not in text and "Tool use: **" not in text:
        yield from _unnamed_blocks(text)
        return
    lines = text.split("\n")
    said: list[str] = []
    fences = Fences()
    ends = _tool_ends(lines)
    rules = [*(at for at, line in enumerate(lines) if line.strip() == _RULE), len(lines)]
    # What is in `<details>` may have rules too.
    closing = [at for at in rules if at == len(lines) or "</details>" in "".join(lines[max(0, at - 2) : at])]
    at = 0
    while at < len(lines):
        line = lines[at]
        if not fences and line.startswith("<think>"):
            at = next((last for last in range(at, len(lines)) if "</think>" in lines[last]), len(lines))
        elif (tool := _OLDER_TOOL.match(line)) and not fences and not (tool[2] and any(map(str.strip, said))):
            yield spoken_text(said)
            said = []
            first = next(filter(str.strip, lines[at + 1 : at + 5]), "")
            end = _tool_end(lines, at, closing if first.startswith("<details>") else rules)
            block = _tool_block("unknown", tool[1], "\n".join(lines[at + 1 : end]))
            yield msgspec.structs.replace(block, summary=block.summary or tool[2] or "")
            at = end
        elif line == _OLDER_PLAN and not any(map(str.strip, said)):
            below = (place for place in range(at + 1, len(lines)) if lines[place].strip())
            end = next((place for place in below if not lines[place].lstrip().startswith("- [")), len(lines))
            yield ToolBlock("task", "TodoWrite", "", tuple(lines[at + 1 : end]))
            at = end - 1
        elif not fences and (tool := _TOOL.match(line)):
            yield spoken_text(said)
            said = []
            end = _tool_end(lines, at, ends)
            yield _tool_block(tool[1], unescaped(tool[2]), "\n".join(lines[at : end + 1]))
            at = _printed_below(lines, end)
        elif line in _ALONE and not fences and _is_alone(lines, at):
            yield spoken_text(said)
            said = []
            yield ToolBlock("unknown", "call", "", (line,))
        else:
            said.append(line)
            fences.pass_line(line)
        at += 1
    yield spoken_text(said)


def _is_alone(lines: Sequence[str], at: int) -> bool:
    """Whether a line is between two rules, or below one at the end."""
    above = next(filter(None, map(str.strip, reversed(lines[max(0, at - 5) : at]))), "")
    below = next(filter(None, map(str.strip, lines[at + 1 : at + 6])), "")
    return above == _RULE and below in (_RULE, "")


def _unnamed_blocks(text: str) -> Iterator[str | ToolBlock]:
    """Yields the parts of a turn in a document that names no tools: what is alone between two rules is a call if it has
    the form of one. A call of which nothing is shown is an empty part."""
    lines = ["" if line.strip() == _NOBODY else line for line in text.split("\n")]
    said: list[str] = []
    start = 0
    closing = last = ""
    for at, line in enumerate((*lines, _RULE)):
        if line.strip() != _RULE or (at < len(lines) and closing not in ("", last)):
            closing = closing if last else _CLOSING.get("<details>" if line.startswith(_EDITED) else line.strip(), "")
            last = line.strip() or last
            continue
        block = _unnamed_block(lines[start:at])
        if block is not None or not last:
            yield spoken_text(said)
            said = []
        if block is not None:
            yield block
        else:
            said += [*lines[start:at], _RULE]
        start, closing, last = at + 1, "", ""
    yield spoken_text(said)


def _unnamed_block(part: Sequence[str]) -> ToolBlock | None:
    text = "\n".join(part).strip()
    lines = tuple(text.split("\n"))
    if _READ.fullmatch(text):
        return ToolBlock("read", "read", text.removesuffix("Read file: undefined"), ())
    if text in _ALONE:
        return ToolBlock("unknown", "call", "", lines)
    if lines[0].startswith(_EDITED) and "<summary>" in text:
        return _tool_block("write", "edit", text)
    if lines[0] == "<details>" and "<summary>" in text:
        return _tool_block("search", "search", text.replace("`", ""))  # names in it are of what was found
    if lines[0] == "```diff" and all(line[:1] in ("", " ", "+", "-") or line.startswith("```") for line in lines):
        return ToolBlock("write", "edit", "", lines)
    if lines[0] == "```bash" and not any(map(str.strip, _parted(lines)[0])):
        return ToolBlock("shell", "run", "", lines)
    return None


def spoken_text(lines: Sequence[str]) -> str:
    """Returns a text without the rules that SpecStory puts between two speakers."""
    said = [at for at, line in enumerate(lines) if line.strip() not in ("", _RULE)]
    return "\n".join(lines[said[0] : said[-1] + 1]).strip() if said else ""


def _tool_ends(lines: Sequence[str]) -> list[int]:
    return [at for at, line in enumerate(lines) if _TOOL_END in line and line.rstrip().endswith(_TOOL_END)]


def _tool_end(lines: Sequence[str], start: int, ends: Sequence[int]) -> int:
    """Returns the index of the line that ends the tool block at `start`. With unbalanced fences, that is the first line
    that could end it; if no line could, the block is one line."""
    first = bisect_left(ends, start)
    fences = Fences()
    at = start + 1
    near = ends[first : first + _MOST_ENDS]
    for end in near:
        for line in lines[at:end]:
            fences.pass_line(line)
        if not fences:
            return end
        at = end
    return near[0] if near else start


def _printed_below(lines: Sequence[str], end: int) -> int:
    """Returns the index of the last line of what a todo list's tool printed, right below its block (v2.0.0)."""
    fence = lines[end + 1 : end + 2] == ["```"]
    return next((at for at in range(end + 2, len(lines)) if lines[at] == "```"), end) if fence else end


def _tool_block(kind: str, name: str, text: str) -> ToolBlock:
    head, fence, fenced = text.partition("\n```")
    before, _, rest = head.partition("<summary>")
    summary, _, inner = rest.partition("</summary>")
    summary = one_line(unescaped(summary[:_SUMMARY_CHARS]))
    for tag in (_TOOL_END, "</details>"):
        fenced = fenced.rstrip().removesuffix(tag)
    body = f"{_TAGS.sub('', before + inner)}{fence}{fenced}"
    return ToolBlock(kind, name, _TOOL_NAME.sub("", summary).strip(" •"), tuple(body.split("\n")))


def read_tool(
    block: ToolBlock, call_id: str, quoted: QuotedText, folder: str | None
) -> tuple[OpenCall, ToolOutcome | None, tuple[AnyBody, ...]]:
    """Returns the block's call, its outcome (None if it may not have ended), and the plan, or the question and its
    answer, that it shows."""
    plain, fenced = _parted(block.body)
    op = op_of(block.name) or _KINDS.get(block.kind, "other")
    if op == "other" and any(map(_BULLET.match, plain)):
        op = "shell"
    lines = tuple(line.strip() for line in plain)
    command = _command(block, plain, fenced) if op == "shell" else ""
    if fenced and fenced[0][1].strip() == command:
        fenced = fenced[1:]
    given = given_in(lines, fenced)
    command = command or (given.command if op == "shell" else "")
    block = msgspec.structs.replace(block, summary=block.summary or given.message)
    # A diff is input, and so is the text that a tool writes.
    inputs = op in ("edit", "write")
    printed = printed_in(lines, fenced)
    shown = [text for name, text in printed if name != "diff" and (not inputs or name in ("", "text"))]
    if given.shown is not None:
        shown = [] if inputs or not given.shown else [given.shown]
    output = "\n".join(map(_printed, shown)) if shown else None
    outcome = _outcome(op, lines, output, quoted)
    if outcome is not None and given.exit_code is not None:
        status: ResultStatus = "error" if given.exit_code else "ok"
        outcome = msgspec.structs.replace(outcome, status=status, exit_code=given.exit_code)
    about = unescaped(quoted.about(op, given.arguments))
    made: Sequence[FileEdit] = ()
    if inputs:
        made = _changes(block, lines, fenced, output or given.shown or "", about)
    elif op == "shell" and outcome is not None and outcome.status == "ok":
        made = shell_changes(command, folder)
    changes = tuple(_located(made, folder))
    subject = command or (changes[0].path if changes else "")
    if not subject and op == "ask":
        subject = given.first_question
    if not subject and op != "plan":
        subject = about or _subject(block, lines, folder if op != "web" else None)
    subject = subject_of(op, subject)
    name = usable_name(block.name) or "?"
    call = OpenCall(call_id, name, op, subject, changes=changes, handoff=names_own_folder(subject))
    return call, outcome, tuple(plan_or_questions(call, given))


def _printed(text: str) -> str:
    """Returns an output as it was printed: some versions escape it as HTML, and then no bare bracket is left."""
    is_escaped = any(sign in text for sign in _ESCAPES) and "<" not in text and ">" not in text
    return unescaped(text) if is_escaped else text


def _subject(block: ToolBlock, lines: Sequence[str], folder: str | None) -> str:
    """Returns the file that a block is about, or else its summary or first line."""
    named = _path(block, lines, "")
    if named is None:
        telling = (line for line in lines if not (_says_failed(line) or _LEADS_IN.match(line)))
        return block.summary or next(filter(None, telling), "")
    suffix = PurePath(named).suffix
    is_path = ((suffix and " " not in suffix) or "/" in named) and _WILD.isdisjoint(named)
    return (absolute_path(named, folder) if is_path else None) or named


def _parted(body: Sequence[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """Splits a block into the lines outside of fenced blocks, and these blocks with their languages. The beginning of a
    script is plain too: nothing of it was printed."""
    plain: list[str] = []
    fenced: list[tuple[str, list[str]]] = []
    fences = Fences()
    is_script = False
    for line in body:
        was_open = bool(fences)
        fences.pass_line(line)
        if fences and not was_open:
            is_script = line.startswith(CUT_INPUT)
            if not is_script:
                fenced.append((line.strip().strip("`~").strip(), []))
        elif fences:
            (plain if is_script else fenced[-1][1]).append(line)
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


def _says_failed(line: str) -> bool:
    return line in _FAILED_ALONE or line.startswith(_FAILED)


def _outcome(op: Op, lines: Sequence[str], output: str | None, quoted: QuotedText) -> ToolOutcome | None:
    if "Status: **loading**" in lines:
        return None
    failed = any(map(_says_failed, lines))
    if not {"Cancelled", "Canceled", "Status: **cancelled**"}.isdisjoint(lines):
        return ToolOutcome("interrupted", output or "")
    if output is None and failed:
        said = "\n".join(filter(None, lines))
        return ToolOutcome("error", said, never_ran=said in _REASONS)
    if output is None:  # SpecStory shows no empty output
        return ToolOutcome("unknown") if op not in ("ask", "agent") else None
    found = quoted.outcome(op, output)
    return msgspec.structs.replace(found, status="error") if failed and found.status in ("ok", "unknown") else found


def _changes(
    block: ToolBlock, lines: Sequence[str], fenced: Sequence[tuple[str, str]], output: str, given: str
) -> tuple[FileEdit, ...]:
    """Returns the files that an edit names: in a patch, in sections, in its arguments, the summary, or its result."""
    for _, text in fenced:
        if patched := in_patch(text, "/"):
            return tuple(msgspec.structs.replace(change, path=change.path.removeprefix("/")) for change in patched)
    sections = [*_matches(_SECTION, lines)] or [*_LISTED.finditer(output if output.startswith(_UPDATED) else "")]
    if sections:
        return tuple(FileEdit(path=found[2], change=_SECTIONS.get(found[1], "modify")) for found in sections)
    if replaced := replaced_in(lines, fenced):
        return tuple(FileEdit(path=path, change="modify") for path in replaced)
    path = given or _path(block, lines, output)
    if path is None:
        return ()
    if block.name.lower().startswith("delete"):
        return (FileEdit(path=path, change="delete"),)
    is_new = _CREATED.search(output[:500])
    return (FileEdit(path=path, change="add" if is_new else "modify"),)


def _path(block: ToolBlock, lines: Sequence[str], output: str) -> str | None:
    """Returns the file that a block is about, as spelled there."""
    for text in (block.summary, *lines):
        if found := _FILE.match(text[:MAX_PATH_CHARS]):
            return found[1].strip()
    if linked := _LINKED.search(block.summary):
        return path_of(linked[1])
    if said := _SAID_PATH.search(output[:2000]):
        return said["at"] or said["file"] or said["plain"]
    if named := next(_matches(_PATH_BULLET, lines), None):
        return named[1]  # its arguments are in order of their names, so a number may be first
    return next((ticked[1] for text in (block.summary, *lines) if (ticked := _IN_TICKS.search(text))), None)


def _located(changes: Sequence[FileEdit], folder: str | None) -> Iterator[FileEdit]:
    for change in changes:
        path = absolute_path(change.path, folder)
        if path is not None and len(path) <= MAX_PATH_CHARS:
            old = absolute_path(change.old_path, folder) if change.old_path else None
            yield msgspec.structs.replace(change, path=path, old_path=old)


def _matches(form: re.Pattern[str], lines: Iterable[str]) -> Iterator[re.Match[str]]:
    return filter(None, map(form.match, lines))
