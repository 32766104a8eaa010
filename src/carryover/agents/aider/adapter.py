"""Aider: a terminal agent that writes the chats of a project into a Markdown file (0.82.3, 0.86.2)."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from typing import Final

import msgspec

from carryover import model
from carryover.adapter.contract import Agent, Parsed, Record, Source, ToolOutcome
from carryover.agents.aider import SPEC
from carryover.agents.aider.history import DECODER, HistoryReader, exported_history
from carryover.agents.aider.inputs import is_choice, mark_of, request_below
from carryover.agents.aider.recorder import AiderContext, BlockRecorder, Commit
from carryover.model import FileEdit
from carryover.records import rawjson
from carryover.records.changes import Replacement, replaced, written
from carryover.records.resets import names_limit
from carryover.records.text import names_handoff_file
from carryover.text.pattern import later
from carryover.transcript.recorder import reemitted_after, usable_name
from carryover.transcript.turns import add_answer, add_failure

_MAX_INPUTS: Final = 300
"""Most different inputs of one session that are counted."""
_MAX_EDITS: Final = 50
"""Most edits kept of one answer."""
_MAX_KEYS: Final = 50
_MAX_LINT_CHARS: Final = 3_000
_MAX_SUBJECT: Final = 500
_ASKING: Final = ("/ask", "/code", "/architect", "/context")
"""Commands whose text goes to the model and is written down again without the command."""
_HELP: Final = "# Question: "
_DOCS: Final = "\n\n# Relevant docs:"
"""Around the words given to `/help`, in the prompt that Aider makes of them and its own documents."""
_SHELL: Final = {"/run": "", "/git": "git "}
_THINKING: Final = later(r"<(thinking-content-[0-9a-f]{32})>.*?(?:</\1>\s*|\Z)", re.DOTALL)
_COMMAND_LINE: Final = later(r"(?:.*[/\\])?aider(?:\.exe|\.py|-script\.py)?(?: (?P<options>(?s:.*)))?", re.IGNORECASE)
_COMMAND_LINE_WITHIN: Final = 10
"""Messages that may precede a session's command line: the questions of a first start."""
_TEST_OPTION: Final = later(r"--test-cmd[ =](?P<command>.+?)(?= --[a-z]|$)")
_ERROR: Final = later(
    r"litellm\.\w*(?:Error|Exception)\w*: |Only \d+ reflections allowed, stopping\.|Model .* has hit a token limit!"
)
"""Messages that end a turn: the provider refused the request, or the model can't do it."""
_SAID_WITHIN: Final = later(
    r"(?s)(?P<kind>litellm\.\w+): .*?['\"]message['\"]: (?P<mark>['\"])"
    r"(?P<said>(?:(?!(?P=mark)(?:[,}\s]|\\n)).){3,300})"
)
"""What the provider says is within the data that it answers with, behind the names of the client's own classes."""
_FAILED_BLOCK: Final = later(r"## \w+: This SEARCH block failed to exactly match lines in (?P<path>.+)")
_LINTER: Final = later(r"## Running: (?P<command>.+)")
_AFTER_LINT: Final = later(r"Attempt to fix lint errors\? .*")
_AROUND: Final = later(r"(?m)^(?:\d+│.*|\.\.\.⋮\.\.\.)\n")  # the lines that the linter means have a █
_YES: Final = r"(?i:y|yes|a|all|)"
_ASKED: Final = r"command output to the chat\? "
_BLANK: Final = r"[^\S\n]*"
_TAG: Final = "source|code|pre|codeblock|sourcecode"
_DIVIDER: Final = rf"{_BLANK}={{5,9}}{_BLANK}$"
_REPLACE: Final = rf"{_BLANK}>{{5,9}} REPLACE{_BLANK}$"
_SEARCH: Final = rf"^{_BLANK}(?P<search><{{5,9}} SEARCH)>?{_BLANK}\n"
_OPENED: Final = rf"^{_BLANK}(?:(?P<ticks>````|```(?!`)).*|<(?P<tag>{_TAG})>{_BLANK})\n"
_EDITS: Final = later(_SEARCH, re.MULTILINE)
_EDITS_AND_FILES: Final = later(f"{_SEARCH}|{_OPENED}", re.MULTILINE)
"""The first lines of blocks that change files."""
# Each part ends at the first line that can end it.
_BLOCK: Final = later(
    rf"{_SEARCH}(?P<old>(?:(?!{_DIVIDER}).*\n)*){_DIVIDER}\n(?P<new>(?:(?!{_REPLACE}).*\n)*){_REPLACE}", re.MULTILINE
)
_FENCED: Final = later(rf"{_OPENED}(?P<body>(?:.*\n)*?)(?:(?P=ticks)|</(?P=tag)>){_BLANK}$", re.MULTILINE)
_FENCE: Final = later(rf"`{{3,4}}(?P<named>.*)|<(?:{_TAG})>")
_FENCE_END: Final = later(rf"(?:```.*|{_BLANK}</(?:{_TAG})>{_BLANK})$", re.MULTILINE)
_NAME_ABOVE: Final = 3
_MAX_NAME: Final = 250

_Place = Callable[[str], str | None]
"""Returns the absolute path of a file that the model names."""


def read_answer(text: str, place: _Place, *, whole_files: bool) -> tuple[str, tuple[FileEdit, ...]]:
    """Splits an answer into prose and changes, one per file; with `whole_files` a file named above a fence gets
    the fenced text."""
    prose: list[str] = []
    pairs: dict[str, list[Replacement]] = {}
    files: dict[str, FileEdit] = {}
    openings = _EDITS_AND_FILES if whole_files else _EDITS
    unended: set[str] = set()
    last = ""
    at = read = 0
    while opening := openings.search(text, read):
        begins, found = opening.start(), _whole(text, opening, unended)
        read = (found or opening).end()
        if found is None:
            continue
        if opening.lastgroup == "search":
            above, fenced, name = _named_above(text[at:begins].split("\n")[:-1])
            path = place(name or last) if name or last else None
            if path is not None:
                last = name or last
                pairs.setdefault(path, []).append(Replacement(found["old"], found["new"]))
            end = _FENCE_END.match(text, found.end() + 1) if fenced else None
            at = read = (end or found).end() + 1
        else:
            line = max(at, text.rfind("\n", at, max(at, begins - 1)) + 1)
            path = place(name) if (name := _file_name(text[line : max(line, begins - 1)])) else None
            if path is None:
                continue
            files[path] = written(path, found["body"])
            above = text[at:line].split("\n")[:-1]
            at = read = found.end() + 1
        prose += above
    words = "\n".join((*prose, text[at:])).strip()
    changes = files | {path: replaced(path, each, counted=True) for path, each in pairs.items()}
    return re.sub(r"\n{3,}", "\n\n", words) if at else words, tuple(changes.values())


def _whole(text: str, opening: re.Match[str], unended: set[str]) -> re.Match[str] | None:
    """Returns the block that begins with this line; None if it has no end. Then no other of its kind behind it has one,
    which is noted in `unended`: each would be looked for to the end of the text."""
    kind = opening[opening.lastgroup or 0]
    if kind in unended:
        return None
    found = (_BLOCK if opening.lastgroup == "search" else _FENCED).match(text, opening.start())
    if found is None:
        unended.add(kind)
    return found


def _named_above(lines: list[str]) -> tuple[list[str], bool, str]:
    """Returns the lines above a block without its fence and its file's name, whether it has a fence, and the name; it
    is empty if there is none."""
    fenced = False
    for at in range(len(lines) - 1, max(len(lines) - 1 - _NAME_ABOVE, -1), -1):
        line = lines[at].strip()
        if not fenced and (fence := _FENCE.fullmatch(line)):
            fenced, lines = True, lines[:at]
            if "." in (named := fence["named"] or "") or "/" in named:
                return lines, True, named
        elif line and line not in ("...", "```"):
            name = _file_name(line)
            return [*lines[:at], *lines[at + 1 :]] if name else lines, fenced, name
    return lines, fenced, ""


def _file_name(line: str) -> str:
    """Returns the file that the line above a block names, or ''. Models put the name in marks of all kinds."""
    name = line.strip().rstrip(":").lstrip("#").strip().strip("`").strip("*").strip()
    looks = ("." in name or "/" in name or "\\" in name or name[:1].isupper()) and " " not in name
    return name if looks and len(name) <= _MAX_NAME else ""


def _parse(source: Source, context: AiderContext, record: Record) -> tuple[AiderContext, Parsed]:
    block = rawjson.read(DECODER, record.data)
    if isinstance(block, str):
        return context, Parsed(skipped=(rawjson.skipped(None, block, None),))
    session = usable_name(block.session)
    if session is None or not (block.at_ms or block.kind == "begin"):
        return context, Parsed(skipped=(rawjson.skipped(block.kind, "no session or time", None),))
    if context.session != session or (block.kind == "begin" and not block.on):
        context = AiderContext(session=session)
    if block.kind == "begin":
        return context, Parsed(reemitted=reemitted_after(context.last, session=session, more=block.more))
    # A file outside a project is a copy, so it doesn't show when its blocks were written. Anyone may have added to one
    # in a project, so there a prompt counts as a person's only if the input history has it too.
    is_copy = not source.group
    recorder = BlockRecorder(
        context=context,
        root=source.group or posixpath.dirname(source.path),
        input_ms=block.at_ms,
        seen_ms=0 if is_copy else block.seen_ms,
        prompted_by="human" if block.typed or is_copy else "model",
    )
    if block.kind == "prompt":
        _prompt(recorder, block.text)
        return recorder.parsed()
    recorder.advance(since=context.since + 1, mark=mark_of(f"{context.answer} {block.text}"))
    if block.kind == "model":
        _answer(recorder, _THINKING.sub("", block.text))
    elif block.kind == "message":
        _message(recorder, block.text, retried=block.retried)
    else:
        recorder.add(model.SessionStart(reason="startup"), f"{recorder.item}:start")
    return recorder.parsed()


def _prompt(recorder: BlockRecorder, text: str) -> None:
    """Handles an input of the user. Those that are neither a prompt nor a command that runs something are ignored."""
    mark, inputs = mark_of(text), recorder.context.inputs
    is_counted = mark in inputs or len(inputs) < _MAX_INPUTS
    before = inputs.get(mark, 0) if is_counted else recorder.context.items
    inputs = {**inputs, mark: before + 1} if is_counted else inputs
    recorder.advance(inputs=inputs, prompt=mark_of(f"{before} {text}"), since=0, mark=0)
    if is_choice(text):
        return
    _end_of_turn(recorder)
    if not text or text == "<blank>":
        return
    about = text.removeprefix(_HELP).partition(_DOCS)[0]
    again = not {mark, mark_of(about)}.isdisjoint((recorder.context.repeated, recorder.context.answer))
    recorder.change(repeated=0, answer=0)
    if again:
        # The words of a command once more, or the architect's answer, handed to the editor model.
        recorder.change(in_turn=True)
    elif text.startswith("!"):
        recorder.run("run", text[1:].strip(), "human")
    elif text.startswith("/"):
        _command(recorder, text)
    else:
        recorder.add(model.UserPrompt(text=text, actor=recorder.prompted_by), f"{recorder.item}:prompt")
        recorder.change(in_turn=True)


def _command(recorder: BlockRecorder, text: str) -> None:
    word, words = [*text.split(maxsplit=1), ""][:2]
    if word in _ASKING and words:
        recorder.add(model.UserPrompt(text=words, actor=recorder.prompted_by, command=word), f"{recorder.item}:prompt")
        recorder.change(repeated=mark_of(words), in_turn=True)
    elif word == "/help":
        recorder.change(repeated=mark_of(words))
    elif word == "/test":
        recorder.run("test", words or recorder.context.test_command, "human")
    elif word in _SHELL and words:
        recorder.run("run", _SHELL[word] + words, "human")
    elif request := request_below(word, words):
        recorder.add(model.UserPrompt(text=request, actor=recorder.prompted_by), f"{recorder.item}:prompt")
    elif word in ("/exit", "/quit"):
        recorder.add(model.SessionEnd(reason=word[1:]), f"{recorder.item}:end")


def _end_of_turn(recorder: BlockRecorder) -> None:
    """Ends what ran before a new input. `/test` and tests after an edit print nothing if they pass."""
    context = recorder.context
    call = context.call
    is_test = call is not None and call.name == "test"
    passed = call is not None and is_test and call.subject and not context.interrupted
    recorder.close("ok" if passed else "unknown")
    if not is_test and context.auto_test and context.untested and context.test_command and not context.interrupted:
        recorder.end(recorder.call("test", "shell", context.test_command, number=1), ToolOutcome("ok", exit_code=0))
    recorder.drop_edits()
    recorder.change(untested=False, refused="", interrupted=False, lint=None)


def _answer(recorder: BlockRecorder, text: str) -> None:
    """Handles the model's words. Its edits wait until Aider reports that it applied them."""
    prose, changes = read_answer(text, recorder.path, whole_files=recorder.context.whole_files)
    recorder.drop_edits()
    edits = []
    for number, change in enumerate(changes[:_MAX_EDITS], 1):
        call = recorder.call("edit", "edit", change.path, number=number)
        edits.append(msgspec.structs.replace(call, changes=(change,)))
        recorder.add_call(call, f"{call.id}:call")
    broke_off = recorder.context.interrupted
    add_answer(recorder, f"{recorder.item}:answer", prose, final=None if broke_off else True, aborted=broke_off)
    recorder.change(edits=tuple(edits), silent=not prose, new_path=(), refused="", lint=None)
    recorder.change(answer=mark_of(text), repeated=mark_of(text.rpartition("</think>")[2]))


def _message(recorder: BlockRecorder, text: str, *, retried: bool) -> None:
    """Handles a message of Aider's own. Those on edits, commits, tests, linting and errors count."""
    if recorder.context.lint is not None and not _AFTER_LINT.fullmatch(text):
        # A linter quotes lines of files, which may read like any message.
        recorder.change(lint=f"{recorder.context.lint}{text}\n"[:_MAX_LINT_CHARS])
        return
    known = ((handle, found) for pattern, handle in _MESSAGES if (found := pattern.fullmatch(text)))
    if (first := next(known, None)) is not None:
        handle, found = first
        handle(recorder, found)
    elif _ERROR.match(text):
        if retried:
            recorder.change(refused=text[:_MAX_SUBJECT])
        else:
            _refused(recorder, f"{recorder.item}:turn end", text)
            recorder.change(in_turn=False)
    elif recorder.context.items <= _COMMAND_LINE_WITHIN and (line := _COMMAND_LINE.fullmatch(text)):
        options = line["options"] or ""
        test = _TEST_OPTION.search(options)
        auto_test = "--auto-test" in options.split()
        recorder.change(test_command=test["command"].strip() if test else "", auto_test=auto_test)
    recorder.change(message=text if len(text) < _MAX_SUBJECT else "")


def _model(recorder: BlockRecorder, found: re.Match[str]) -> None:
    is_editor = found["role"] == "Editor m"
    recorder.learn(model=None if is_editor else found["model"])
    recorder.change(whole_files="whole" in found["format"] or (is_editor and recorder.context.whole_files))


def _applied(recorder: BlockRecorder, found: re.Match[str]) -> None:
    path = recorder.path(found["path"])
    if path is None:
        return
    call = recorder.take_edit(path) or recorder.call("edit", "edit", path)
    change = call.changes[0] if call.changes else model.FileEdit(path=path, change="modify")
    if path in recorder.context.new_path:
        change = msgspec.structs.replace(change, change="add")
    recorder.end(call, ToolOutcome("ok"))
    if not names_handoff_file(path):
        recorder.add(msgspec.structs.replace(change, call_id=call.id), f"{recorder.item}:edit")
    keys = (*recorder.context.turn, f"{call.id}:call", *(event.key for event in recorder.events))
    recorder.change(turn=keys[-_MAX_KEYS:], untested=True)


def _not_applied(recorder: BlockRecorder, found: re.Match[str]) -> None:
    if (call := recorder.take_edit(recorder.path(found["path"]))) is not None:
        recorder.end(call, ToolOutcome("unknown", never_ran=True))


def _failed_edits(recorder: BlockRecorder, report: re.Match[str]) -> None:
    """Adds a failed edit for each file that a report names, with the line that gives the reason."""
    lines = filter(None, map(_FAILED_BLOCK.fullmatch, map(str.strip, report[0].splitlines())))
    reasons = {path: line[0] for line in lines if (path := recorder.path(line["path"])) is not None}
    for number, (path, reason) in enumerate(reasons.items(), 1):
        call = recorder.take_edit(path) or recorder.call("edit", "edit", path, number=number)
        recorder.end(call, ToolOutcome("error", reason.strip("# ")))


def _create(recorder: BlockRecorder, _found: re.Match[str]) -> None:
    if (path := recorder.path(recorder.context.message)) is not None:
        recorder.remember("new_path", path)


def _committed(recorder: BlockRecorder, found: re.Match[str]) -> None:
    context = recorder.context
    if not context.own_commit:
        recorder.change(own_commit=True)
        return
    # In git's own wording, so that it counts as a commit.
    outcome = ToolOutcome("ok", f"[HEAD {found['id']}] {found['subject']}", exit_code=0)
    recorder.end(recorder.call("commit", "shell", "git commit"), outcome)
    if context.silent:
        # Written by a model too, and the only words for what it did.
        recorder.add(model.AssistantMessage(text=found["subject"]), f"{recorder.item}:answer")
    commit = Commit(found["id"], (*context.turn, *(event.key for event in recorder.events)))
    recorder.remember("commits", commit)
    recorder.change(turn=(), silent=False)


def _undone(recorder: BlockRecorder, found: re.Match[str]) -> None:
    """Retracts a commit and its edits, which is what the user asked for. One id may be the beginning of the other."""
    recorder.add(model.UserPrompt(text="", actor=recorder.prompted_by, command="/undo"), f"{recorder.item}:prompt")
    add_answer(recorder, f"{recorder.item}:answer", found[0], final=True)
    commits = recorder.context.commits
    gone = next((each for each in commits if each.id.startswith(found["id"]) or found["id"].startswith(each.id)), None)
    if gone is not None:
        recorder.change(commits=tuple(commit for commit in commits if commit is not gone))
        recorder.add(model.Retracted(keys=gone.place), f"{recorder.item}:undone")


def _added_output(recorder: BlockRecorder, _found: re.Match[str]) -> None:
    """Handles output that goes to the model: of the user's command, of a suggested one, or of failed tests."""
    context = recorder.context
    if context.call is None and context.untested and context.test_command:
        recorder.run("test", context.test_command)
    if recorder.context.call is not None and recorder.context.call.name == "test":
        recorder.close("error")
        recorder.change(in_turn=True, untested=False)
    recorder.close("unknown")


def _lint_failed(recorder: BlockRecorder, _found: re.Match[str]) -> None:
    output = _AROUND.sub("", recorder.context.lint or "")
    linter = _LINTER.search(output)
    call = recorder.call("lint", "shell", linter["command"] if linter else "lint")
    recorder.add_call(call, f"{call.id}:call")
    recorder.end(call, ToolOutcome("error", output))
    recorder.change(lint=None)


def _interrupted(recorder: BlockRecorder, _found: re.Match[str]) -> None:
    """Ends what runs. Who gives up while Aider waits to ask again stops what the provider refuses anyway."""
    recorder.close("interrupted")
    context, key = recorder.context, f"{recorder.item}:interrupted"
    if context.in_turn and not context.interrupted:
        if context.refused:
            _refused(recorder, key, context.refused)
        else:
            recorder.add(model.TurnEnd(reason="interrupted"), key)
    recorder.change(interrupted=True)


def _refused(recorder: BlockRecorder, key: str, text: str) -> None:
    """Adds that the provider refused a request, with its own words alone if they can be told."""
    within = _SAID_WITHIN.match(text)
    said = text if within is None else f"{within['kind']}: {within['said']}"
    add_failure(recorder, key, said, limited=names_limit(text))


def _changes(**changes: object) -> _Handler:
    """Returns a handler of a message that only replaces fields of the context."""
    return lambda recorder, _: recorder.change(**changes)


_Handler = Callable[[BlockRecorder, re.Match[str]], None]
_MESSAGES: Final[tuple[tuple[re.Pattern[str], _Handler], ...]] = (
    (later(r"Applied edit to (?P<path>.+)"), _applied),
    (later(r"(?:Did not apply edit|Skipping edits) to (?P<path>.+?)(?: \(--dry-run\))?"), _not_applied),
    (later(r"Commit (?P<id>[0-9a-f]{7,40}) (?P<subject>.*)(?s:.*)"), _committed),
    (later(r"Committing .+ before applying edits\."), _changes(own_commit=False)),
    (later(rf"Create new file\? .*\]: {_YES}"), _create),
    (later(r"(?:Removed: |Commit `)(?P<id>[0-9a-f]{7,40})(?: .*|` was reset and removed from git\.)"), _undone),
    (later(r"Running (?!playwright)(.+)"), lambda recorder, found: recorder.run("run", found[1])),
    (later(r"Added \d+ lines? of output to the chat\."), _added_output),
    (
        later(rf"Add (?:(?!{_ASKED}).)*{_ASKED}.*\]: (?!{_YES}\Z).*"),
        lambda recorder, _: recorder.close("unknown"),
    ),
    (_AFTER_LINT, _lint_failed),
    (later(r"\^C .*"), _interrupted),
    (later(r"(?s)# \d+ SEARCH/REPLACE blocks? failed to match!.*"), _failed_edits),
    (later(r"(?s)Tokens: .*"), _changes(in_turn=False, interrupted=False)),
    (later(r"(?s)Processing your request\.\.\..*"), _changes(in_turn=True)),  # a comment asks
    (later(r"(?s)# Fix any errors below, if possible\..*"), _changes(lint="")),
    (later(r"Aider v(\d\S*)"), lambda recorder, found: recorder.learn(agent_version=found[1])),
    (later(r"(?P<role>Main m|M|Editor m)odel: (?P<model>\S+) with (?P<format>\S+) edit format.*"), _model),
)


AGENT: Final = Agent(
    spec=SPEC,
    reader=HistoryReader(),
    context_type=AiderContext,
    parse=_parse,
    exported=exported_history,
)
