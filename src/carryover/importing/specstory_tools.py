"""Reads the tool blocks of SpecStory's documents, all in one way: what is shown of a call, whichever agent made it, are
arguments, a state and a result, each below its label or in a bullet; and lines that name a file, or say how it ended.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import PurePath
from typing import Final, Literal

import msgspec

from carryover.adapter.contract import QuotedText, ToolOutcome
from carryover.importing.calls import op_of
from carryover.importing.specstory_blocks import REASONS, ToolBlock
from carryover.importing.turns import Fences, absolute_path
from carryover.model import Answer, AnyBody, FileEdit, Op, PlanItem, PlanUpdate, Question, ResultStatus
from carryover.records.asked import MOST_QUESTIONS, MOST_TODOS, PLAN_STATES, checklist, plan_items
from carryover.records.entities import unescaped
from carryover.records.fields import MAX_PATH_CHARS, subject_of
from carryover.records.lenient import Fields, fields_of, first_text, is_true, items_of, number_of, text_of
from carryover.records.patches import in_patch, patch_in
from carryover.records.rawjson import content_text
from carryover.records.shell_files import changes as shell_changes
from carryover.records.text import names_own_folder, without_ansi
from carryover.records.uris import path_of, uri_in
from carryover.text.pattern import later
from carryover.transcript.recorder import OpenCall, usable_name

_KINDS: Final[dict[str, Op]] = {"shell": "shell", "read": "read", "write": "edit", "search": "search", "task": "plan"}
"""Operations of tools whose names are not known, by kind."""
_BULLET: Final = later(r"- (\w{1,60}): `(.*)$")
"""An argument, whose value may have line breaks."""
_OF_ARGUMENT: Final = later(r"(?:- \w{1,60}|Input \(truncated\))$")
"""What stands above a fenced block with an argument."""
_OF_FILE: Final = later(r"(?i)path|file")
"""What the name of an argument has in it that names a file."""
_COMMANDS: Final = ("command", "cmd")
_SHELLS: Final = ("bash", "sh", "shell", "zsh", "powershell")
_LABELLED: Final = ("Parameters", "Additional data", "Result")
_MORE: Final = "\n..."
"""What stands for the rest of a script."""
_TICKED_LINE: Final = later(r"`(.+)`$")
_IN_TICKS: Final = later(r"`([^`\n]+)`")
_FILE: Final = later(r"(?:Edit|Read|Write|Delete|Create) file: (.+?)(?: \((?:lines|\d).{0,80}\))?$")
_LINKED: Final = later(r"\]\((file:[^)\s]{1,4096})\)")
"""A file as VS Code names it in what it says of a call."""
_WILD: Final = frozenset("*?|")
"""Signs of a pattern, which a path rarely has."""
_SECTION: Final = later(r"\*\*(Add|Update|Modify|Delete): `([^`\n]+)`\*\*$")
_LISTED: Final = later(r"\n([ADM]) (\S[^\n]*)")
_UPDATED: Final = "Success. Updated the following files:"
"""Stands above the files that a patch changed, a line each."""
_HOW: Final[dict[str, Literal["add", "delete"]]] = {"Add": "add", "A": "add", "Delete": "delete", "D": "delete"}
_ROOT: Final = r"(?:[A-Za-z]:[\\/]|/)"
_SAID_PATH: Final = later(
    rf"[Ff]ile (?:created|written|updated)? ?(?:successfully )?(?:at|to):? (?P<at>{_ROOT}.+?)(?: \(|$)"
    rf"|[Tt]he file (?P<file>{_ROOT}.+?) has been (?:updated|created|modified|written)"
    r"|(?:[Ww]rote|overwrote|[Cc]reated|modified|updated|edited)\b[^/\n]{0,60}?"
    rf"(?P<plain>{_ROOT}[^\s'\"`:]*[^\s'\"`:.,;)])",
    re.MULTILINE,
)
_CREATED: Final = later(r"[Cc]reated (?:successfully|and wrote|new file)|successfully created", re.ASCII)
_FAILURES: Final = (
    *(*REASONS, "**Error:**", "**Apply failed**", "Status: **error**", "An unknown error occurred"),
    'Glob pattern "**/*" matches every file',
)
_ENDING: Final = later(
    rf"(?P<error>{'|'.join(map(re.escape, _FAILURES))}|(?:Error:|File not found)$)"
    r"|(?P<interrupted>(?:Cancell?ed|Status: \*\*cancelled\*\*)$)|(?P<open>Status: \*\*loading\*\*$)"
    r"|(?P<label>Status: \*\*|(?:\*\*)?(?:Input|Parameters|Additional data|Result):(?:\*\*)?$)"
)
"""Lines that say how a call ended, or stand above something, and not what the call was about."""
_ESCAPES: Final = ("&lt;", "&gt;", "&amp;", "&#")
_CUT: Final = "\n… (output truncated)"
"""The end of a result that SpecStory cut after 2,000 characters."""
_WHOLE: Final = "\n  ],\n"
"""The end of a complete list in the JSON object of such a result."""
_GO_FIELD: Final = later(
    r"(?:^| )(description|explanation|filePath|header|id|label|newString|oldString|options|question|status|title):"
)
_UNTELLING: Final = 'Using "'
"""How a message of VS Code begins that only names the tool."""
_FOUND: Final = ("topFiles", "topEntries", "resultDetails")
"""Lists of what a search found."""
_PRIORITY: Final = later(r"^([ \t]*- \[.\]\s+)[🔥❄🌡]\ufe0f?\s+", re.MULTILINE)
"""What separates a box from its task in Claude Code's documents."""
_ACTIVE: Final = "⚡-"
"""The marks in the box of a task in progress."""
_ASKED: Final = later(r"\*\*(?!(?:Input|Result|Answer):\*\*)(.+?)\*\*(?: _\(select multiple\)_)?$")
_OPTION: Final = later(r"- \*\*(.+?)\*\*(?: - .*)?$")
_ANSWER: Final = later(r"\*\*Answer:\*\* (.+)$")


class Shown(msgspec.Struct, frozen=True):
    """What a block shows of its call."""

    lines: Sequence[str]
    """Those outside of fenced blocks, without indentation."""
    texts: dict[str, str]
    """Arguments that are no JSON."""
    given: Fields
    """All arguments."""
    result: Fields
    fenced: list[tuple[str, str]]
    """The fenced texts that are neither arguments nor JSON below a label, with their languages."""
    labelled: str | None
    """The text of the result or, without one, of the state; None if the block has neither, nor arguments in JSON."""
    message: str = ""
    """What VS Code says of the call, with what it is about in backquotes or as a link."""
    exit_code: int | None = None


def shown_in(body: Sequence[str]) -> Shown:
    """Returns what the lines of a block show: each fenced block belongs to the label above it."""
    lines, fenced = _parted(body)
    labelled = {label: text for label, _, text in fenced if label in _LABELLED}
    texts = _bullets(lines)
    for label, _, text in fenced:
        if _OF_ARGUMENT.match(label):
            texts[label.removeprefix("- ")] = text.removesuffix(_MORE)
    rest = [(language, text) for label, language, text in fenced if not _OF_ARGUMENT.match(label)]
    made, state, result = (fields_of(_whole(labelled.get(label, ""))) for label in _LABELLED)
    given = {name: msgspec.Raw(msgspec.json.encode(text)) for name, text in texts.items()} | made
    message = unescaped(first_text(result, "pastTenseMessage", "invocationMessage"))
    about = "" if message.startswith(_UNTELLING) else message
    if message and "file_path" in made and not _LINKED.search(about):
        given["path"] = made["file_path"]  # with a link in the message, `file_path` is only the end of the path
    exit_code = number_of(fields_of(made.get("terminalCommandState")).get("exitCode"))
    if not labelled:
        return Shown(lines, texts, given, result, rest, None)
    listed = (items_of(of.get(name)) for of in (state, result) for name in _FOUND)
    found = [first_text(fields_of(one), "uri", "name") or uri_in(one) for one in chain.from_iterable(listed)]
    answer = fields_of(text_of(result.get("result")))  # of a server's tool
    said = content_text(answer.get("content")) or about or ("" if message else labelled.get("Result"))
    terminal = text_of(fields_of(made.get("terminalCommandOutput")).get("text"))
    output = terminal or unescaped("\n".join(filter(None, found))) or said
    output = output or ("" if message else labelled.get("Additional data", ""))
    return Shown(lines, texts, given, result, rest, without_ansi(output), about, exit_code)


def _parted(body: Sequence[str]) -> tuple[list[str], list[tuple[str, str, str]]]:
    """Splits a block into the lines outside of fenced blocks, and these blocks with their labels and languages."""
    lines: list[str] = []
    fenced: list[tuple[str, str, list[str]]] = []
    fences = Fences()
    label = ""
    for line in body:
        was_open = bool(fences)
        fences.pass_line(line)
        if fences and not was_open:
            before, _, language = line.replace("~~~", "```").partition("```")
            fenced.append(((before.strip() or label).rstrip(": "), language.strip("` "), []))
            label = ""
        elif fences:
            fenced[-1][2].append(line)
        elif not was_open:
            lines.append(line.strip())
            label = line.strip() or label
    return lines, [(label, language, "\n".join(inside)) for label, language, inside in fenced]


def _bullets(lines: Sequence[str]) -> dict[str, str]:
    """Returns the arguments in bullets; a value ends with the line that ends in a backquote."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in lines:
        if bullet := _BULLET.match(line):
            name = bullet[1]
            found[name] = [bullet[2]]
        elif name:
            found[name].append(line)
        name = "" if line.endswith("`") else name
    return {name: "\n".join(value).removesuffix("`") for name, value in found.items()}


def _whole(result: str) -> str:
    """Returns a JSON object without what follows its last complete list, if SpecStory cut it."""
    head, ended, _ = result.rpartition(_WHOLE) if result.rstrip().endswith(_CUT) else (result, "", "")
    return f"{head}\n  ]\n}}" if ended else result


def _maps_in(text: str) -> Iterator[dict[str, str]]:
    """Yields the maps in a list as Go prints it: `[map[id:1 title:Test it] map[id:2 title:Ship it]]`."""
    for entry in text.split("map[")[1 : MOST_TODOS + 1]:
        _, *found = _GO_FIELD.split(entry)
        fields = [*zip(found[::2], found[1::2], strict=True)]
        yield {name: value.rstrip("] ") for name, value in reversed(fields)}  # a later one may be in a text


def read_tool(
    block: ToolBlock, call_id: str, quoted: QuotedText, folder: str | None
) -> tuple[OpenCall, ToolOutcome | None, tuple[AnyBody, ...]]:
    """Returns the block's call, its outcome (None if it may not have ended), and the plan, or the question and its
    answer, that it shows."""
    shown = shown_in(block.body)
    op = op_of(block.name) or _KINDS.get(block.kind, "other")
    if op == "other" and any(name in shown.texts for name in _COMMANDS):
        op = "shell"
    command = _command(block.summary, shown) if op == "shell" else ""
    block = msgspec.structs.replace(block, summary=block.summary or shown.message)
    is_input = op in ("edit", "write")  # a diff is input, and so is the text that a tool writes
    as_output = [text for name, text in shown.fenced if name != "diff" and (not is_input or name in ("", "text"))]
    printed = [text for text in as_output if not (command and text.strip() == command)]
    if shown.labelled is not None:
        printed = [shown.labelled] if shown.labelled and not is_input else []
    output = "\n".join(map(_printed, printed)) if printed else None
    outcome = _outcome(op, shown, output, quoted)
    if outcome is not None and shown.exit_code is not None:
        status: ResultStatus = "error" if shown.exit_code else "ok"
        outcome = msgspec.structs.replace(outcome, status=status, exit_code=shown.exit_code)
    about = unescaped(quoted.about(op, shown.given))
    files = {unescaped(text_of(raw)) for name, raw in shown.given.items() if _OF_FILE.search(name)}
    about = about if not is_input or about in files else ""
    made: Sequence[FileEdit] = ()
    if is_input:
        made = _changes(block, shown, output or shown.labelled or "", about)
    elif op == "shell" and outcome is not None and outcome.status == "ok":
        made = shell_changes(command, folder)
    changes = tuple(_located(made, folder))
    asked = [*_questions(shown)] if op == "ask" else []
    subject = command or next((change.path for change in changes), "") or next((text for text, _, _ in asked), "")
    if not subject and op != "plan":
        subject = about or _subject(block, shown, folder if op != "web" else None)
    subject = subject_of(op, subject)
    name = usable_name(block.name) or "?"
    call = OpenCall(call_id, name, op, subject, changes=changes, handoff=names_own_folder(subject))
    return call, outcome, (*_plan(call, shown), *_asked(call, asked))


def _command(summary: str, shown: Shown) -> str:
    """Returns the command line of a shell; that of VS Code may be changed by the user, or by the tool."""
    in_fence = next((text for language, text in shown.fenced[:1] if language in _SHELLS), "")
    ticked = (found[1] for line in (summary, *shown.lines) if (found := _TICKED_LINE.match(line)))
    run = summary.partition("Run command: ")[2]
    line = first_text(fields_of(shown.given.get("commandLine")), "userEdited", "toolEdited", "original")
    bullet = next((shown.texts[name].strip("[]") for name in _COMMANDS if name in shown.texts), "")
    made = unescaped(first_text(shown.given, "command") or line)
    return (in_fence or run or bullet or next(ticked, "") or made).strip()


def _printed(text: str) -> str:
    """Returns an output as it was printed: some versions escape it as HTML, and then no bare bracket is left."""
    is_escaped = any(sign in text for sign in _ESCAPES) and "<" not in text and ">" not in text
    return unescaped(text) if is_escaped else text


def _outcome(op: Op, shown: Shown, output: str | None, quoted: QuotedText) -> ToolOutcome | None:
    endings = {ending.lastgroup for ending in map(_ENDING.match, shown.lines) if ending is not None}
    if "open" in endings:
        return None
    if "interrupted" in endings:
        return ToolOutcome("interrupted", output or "")
    failed = "error" in endings
    if output is None and failed:
        said = "\n".join(filter(None, shown.lines))
        return ToolOutcome("error", said, never_ran=said in REASONS)
    if output is None:  # SpecStory shows no empty output
        return ToolOutcome("unknown") if op not in ("ask", "agent") else None
    found = quoted.outcome(op, output)
    return msgspec.structs.replace(found, status="error") if failed and found.status in ("ok", "unknown") else found


def _changes(block: ToolBlock, shown: Shown, output: str, given: str) -> tuple[FileEdit, ...]:
    """Returns the files that an edit names: in a patch, in sections, in its arguments, the summary, or its result."""
    for text in (patch_in(shown.given), *(text for _, text in shown.fenced)):
        if patched := in_patch(text, "/"):
            return tuple(msgspec.structs.replace(change, path=change.path.removeprefix("/")) for change in patched)
    sections = [*filter(None, map(_SECTION.match, shown.lines))]
    if sections := sections or [*_LISTED.finditer(output if output.startswith(_UPDATED) else "")]:
        return tuple(FileEdit(path=found[2], change=_HOW.get(found[1], "modify")) for found in sections)
    replaced = (each["filePath"] for each in _maps_in(shown.texts.get("replacements", "")) if "newString" in each)
    if paths := dict.fromkeys(path for path in replaced if "\n" not in path):
        return tuple(FileEdit(path=path, change="modify") for path in paths)
    path = given or _path(block, [line for line in shown.lines if not _BULLET.match(line)], output)
    if path is None:
        return ()
    if block.name.lower().startswith("delete"):
        return (FileEdit(path=path, change="delete"),)
    is_new = _CREATED.search(output[:500])
    return (FileEdit(path=path, change="add" if is_new else "modify"),)


def _path(block: ToolBlock, lines: Sequence[str], output: str = "") -> str | None:
    """Returns the file that a block is about, as spelled there."""
    for text in (block.summary, *lines):
        if found := _FILE.match(text[:MAX_PATH_CHARS]):
            return found[1].strip()
    if linked := _LINKED.search(block.summary):
        return path_of(linked[1])
    if said := _SAID_PATH.search(output[:2000]):
        return said["at"] or said["file"] or said["plain"]
    return next((ticked[1] for text in (block.summary, *lines) if (ticked := _IN_TICKS.search(text))), None)


def _subject(block: ToolBlock, shown: Shown, folder: str | None) -> str:
    """Returns the file that a block is about, or else its summary, its first line that tells something, or input."""
    named = _path(block, shown.lines)
    if named is None:
        telling = (line for line in shown.lines if not _ENDING.match(line))
        return block.summary or next(filter(None, (*telling, *shown.texts.values())), "").partition("\n")[0]
    suffix = PurePath(named).suffix
    is_path = ((suffix and " " not in suffix) or "/" in named) and _WILD.isdisjoint(named)
    return (absolute_path(named, folder) if is_path else None) or named


def _located(changes: Sequence[FileEdit], folder: str | None) -> Iterator[FileEdit]:
    for change in changes:
        path = absolute_path(change.path, folder)
        if path is not None and len(path) <= MAX_PATH_CHARS:
            old = absolute_path(change.old_path, folder) if change.old_path else None
            yield msgspec.structs.replace(change, path=path, old_path=old)


def _plan(call: OpenCall, shown: Shown) -> Iterator[PlanUpdate]:
    """Yields the todo list that a call shows: in the arguments, in JSON, or with boxes. Of a call that changes a part
    of the list, only the result has all of it."""
    if call.op != "plan" or call.name == "create_plan":  # the user may refuse that one's plan
        return
    in_go = [each for each in _maps_in(shown.texts.get("todoList", "")) if "title" in each]
    items = [PlanItem(text=each["title"], state=PLAN_STATES.get(each.get("status", ""), "pending")) for each in in_go]
    items = items or [*plan_items(shown.result.get("finalTodos"), "content")]
    if not items and not is_true(shown.given.get("merge")):
        items = [*plan_items(shown.given.get("todos"), "content")]
    plan = tuple(msgspec.structs.replace(item, text=unescaped(item.text)) for item in items)
    plan = plan or checklist(_PRIORITY.sub(r"\1", "\n".join(shown.lines)), active=_ACTIVE)
    is_cut = (shown.labelled or "").rstrip().endswith(_CUT)
    if plan or is_cut:  # a list whose text was cut still replaces the one before
        yield PlanUpdate(items=plan)


def _questions(shown: Shown) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Yields the questions that a call puts, with their choices and answers: in JSON, in bold, or as Go prints them."""
    answers = {text_of(one.get("questionId")): one for one in map(fields_of, items_of(shown.result.get("answers")))}
    for asked in map(fields_of, items_of(shown.given.get("questions"))[:MOST_QUESTIONS]):
        answer = answers.get(text_of(asked.get("id")), {})
        options = [fields_of(option) for option in items_of(asked.get("options"))]
        labels = {text_of(option.get("id")): unescaped(text_of(option.get("label"))) for option in options}
        chosen = [labels.get(name, name) for name in map(text_of, items_of(answer.get("selectedOptionIds")))]
        said = ", ".join(filter(None, (*chosen, unescaped(text_of(answer.get("freeformText"))))))
        yield unescaped(first_text(asked, "prompt", "question")), tuple(labels.values()), said
    if in_bold := [found[1] for line in shown.lines if (found := _ASKED.match(line))]:
        choices = tuple(found[1] for line in shown.lines if (found := _OPTION.match(line)))
        answered = (found[1] for line in shown.lines if (found := _ANSWER.match(line)))
        yield "\n".join(in_bold), choices, next(answered, "")
    in_go: tuple[str, ...] = ()
    for each in _maps_in(shown.texts.get("questions", "")):
        in_go += (each["label"],) if "label" in each else ()
        if "question" in each:
            yield each["question"], in_go, ""
            in_go = ()


def _asked(call: OpenCall, asked: Sequence[tuple[str, tuple[str, ...], str]]) -> Iterator[AnyBody]:
    for question, options, answer in asked:
        if question:
            yield Question(call_id=call.id, text=question, options=tuple(filter(None, options)))
            if answer:
                yield Answer(call_id=call.id, question=question, text=answer)
