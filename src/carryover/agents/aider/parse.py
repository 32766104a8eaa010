"""Turns blocks of the chat history into events: inputs, answers, and Aider's own messages (0.82.3, 0.86.2).

Of its messages, those on edits, commits, tests, linting and errors count; the others are ignored.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from typing import Final

import msgspec

from carryover.adapter.contract import Parsed, Record, Source, ToolOutcome
from carryover.adapter.event_builder import OpenCall, reemitted_after, usable_name
from carryover.agents.aider import blocks
from carryover.agents.aider.answers import read_answer
from carryover.agents.aider.builder import Builder, Commit, Context, mark_of
from carryover.model import AssistantMessage, Retracted, SessionEnd, SessionStart, TurnEnd, UserPrompt
from carryover.records import rawjson
from carryover.records.changes import Change, as_edit
from carryover.records.resets import failed_turn, names_limit

MAX_EDITS: Final = 50
"""Most edits kept of one answer."""
MAX_COMMITS: Final = 20
MAX_KEYS: Final = 50
MAX_LINT_CHARS: Final = 3_000
MAX_SUBJECT: Final = 500
_THINKING: Final = re.compile(r"<(thinking-content-[0-9a-f]{32})>.*?(?:</\1>\s*|\Z)", re.DOTALL)


def parse_record(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    """Parses one block. Never raises: what is not understood is counted."""
    block = rawjson.read(blocks.DECODER, record.data)
    if isinstance(block, str):
        return context, Parsed(skipped=(rawjson.skipped(None, block, None),))
    session = usable_name(block.session)
    if session is None or not (block.at_ms or block.kind == "begin"):
        return context, Parsed(skipped=(rawjson.skipped(block.kind, "no session or time", None),))
    if context.session != session or (block.kind == "begin" and not block.on):
        context = Context(session=session)
    if block.kind == "begin":
        return context, Parsed(reemitted=reemitted_after(context.last, session=session, more=block.more))
    # A file outside a project is a copy, so it doesn't show when its blocks were written. Anyone may have added to one
    # in a project, so there a prompt counts as a person's only if the input history has it too.
    is_copy = not source.group
    add = Builder(
        context=context,
        root=source.group or posixpath.dirname(source.path),
        input_ms=block.at_ms,
        seen_ms=0 if is_copy else block.seen_ms,
        prompted_by="human" if block.typed or is_copy else "model",
    )
    match block.kind:
        case "start":
            add.next_item()
            add.add(SessionStart(reason="startup"), "start")
        case "prompt":
            add.next_input(block.text)
            _input(add, block.text)
        case "model":
            add.next_item(block.text)
            _answer(add, _THINKING.sub("", block.text))
        case "message":
            add.next_item(block.text)
            _message(add, block.text, retried=block.retried)
    return add.parsed()


_ASKING: Final = frozenset(("/ask", "/code", "/architect", "/context"))
"""Commands whose text goes to the model and is written down again without the command."""
_SHELL: Final = {"/run": "", "/git": "git "}
_ENDS: Final = frozenset(("/exit", "/quit"))


def _input(add: Builder, text: str) -> None:
    """Parses one input of the user. Inputs that are neither a prompt nor a command that runs something are ignored."""
    _end_of_turn(add)
    if not text or text == "<blank>":
        return
    again = mark_of(text) in (add.context.repeated, add.context.answer)
    add.change(repeated=0, answer=0)
    if again:
        # The words of a command once more, or the architect's answer, handed to the editor model.
        add.change(in_turn=True)
    elif text.startswith("!"):
        add.start_call(add.call("run", "shell", text[1:].strip(), actor="human"))
    elif text.startswith("/"):
        _command(add, text)
    else:
        add.add(UserPrompt(text=text, actor=add.prompted_by), "prompt")
        add.change(in_turn=True)


def _command(add: Builder, text: str) -> None:
    word, words = [*text.split(maxsplit=1), ""][:2]
    if word in _ASKING and words:
        add.add(UserPrompt(text=words, actor=add.prompted_by, command=word), "prompt")
        add.change(repeated=mark_of(words), in_turn=True)
    elif word == "/test":
        add.start_call(add.call("test", "shell", words or add.context.test_command, actor="human"))
    elif word in _SHELL and words:
        add.start_call(add.call("run", "shell", _SHELL[word] + words, actor="human"))
    elif word in _ENDS:
        add.add(SessionEnd(reason=word[1:]), "end")


def _end_of_turn(add: Builder) -> None:
    """Ends what ran before a new input. `/test` and tests after an edit print nothing if they pass."""
    context = add.context
    call = context.call
    is_test = call is not None and call.name == "test"
    passed = call is not None and is_test and call.subject and not context.interrupted
    add.close("ok" if passed else "unknown")
    if not is_test and context.auto_test and context.untested and context.test_command and not context.interrupted:
        add.end_call(add.call("test", "shell", context.test_command, number=1), ToolOutcome("ok", exit_code=0))
    _drop_edits(add)
    add.change(untested=False, interrupted=False, lint=None)


def _drop_edits(add: Builder) -> None:
    """Ends the edits that the last answer asked for and Aider has not applied: it no longer will."""
    for call in add.context.edits:
        add.end_call(call, ToolOutcome("unknown", never_ran=True))
    add.change(edits=())


def _answer(add: Builder, text: str) -> None:
    """Adds the model's words. Its edits wait until Aider reports that it applied them."""
    answer = read_answer(text, add.path, whole_files=add.context.whole_files)
    _drop_edits(add)
    edits = []
    for number, change in enumerate(answer.changes[:MAX_EDITS], 1):
        call = add.call("edit", "edit", change.path, number=number)
        edits.append(msgspec.structs.replace(call, changes=(change,)))
        add.begin_call(call)
    if answer.prose:
        add.add(AssistantMessage(text=answer.prose, aborted=add.context.interrupted), "answer")
    add.change(edits=tuple(edits), silent=not answer.prose, answer=mark_of(text), repeated=0, new_path=(), lint=None)


_COMMAND_LINE: Final = re.compile(r"(?:.*[/\\])?aider(?:\.exe|\.py|-script\.py)?(?: (?P<options>.*))?", re.IGNORECASE)
_COMMAND_LINE_WITHIN: Final = 10
"""Messages that may precede a session's command line: the questions of a first start."""
_TEST_OPTION: Final = re.compile(r"--test-cmd[ =](?P<command>.+?)(?= --[a-z]|$)")
_ERROR: Final = re.compile(
    r"litellm\.\w*(?:Error|Exception)\w*: |Only \d+ reflections allowed, stopping\.|Model .* has hit a token limit!"
)
"""Messages that end a turn: the provider refused the request, or the model can't do it."""
_FAILED_BLOCK: Final = re.compile(r"## \w+: This SEARCH block failed to exactly match lines in (?P<path>.+)")
_LINTER: Final = re.compile(r"## Running: (?P<command>.+)")
_AFTER_LINT: Final = re.compile(r"Attempt to fix lint errors\? .*")
_YES: Final = r"(?i:y|yes|a|all|)"


def _message(add: Builder, text: str, *, retried: bool) -> None:
    if add.context.lint is not None and not _AFTER_LINT.fullmatch(text):
        # A linter quotes lines of files, which may read like any message.
        add.change(lint=f"{add.context.lint}{text}\n"[:MAX_LINT_CHARS])
        return
    known = ((read, found) for pattern, read in _MESSAGES if (found := pattern.fullmatch(text)))
    if (first := next(known, None)) is not None:
        read, found = first
        read(add, found)
    elif _ERROR.match(text):
        if not retried:
            add.add(failed_turn(text, add.at_ms, limited=names_limit(text)), "turn end")
            add.change(in_turn=False)
    elif add.context.items <= _COMMAND_LINE_WITHIN and (line := _COMMAND_LINE.fullmatch(text)):
        options = line["options"] or ""
        test = _TEST_OPTION.search(options)
        auto_test = "--auto-test" in options.split()
        add.change(test_command=test["command"].strip() if test else "", auto_test=auto_test)
    add.change(message=text if len(text) < MAX_SUBJECT else "")


def _model(add: Builder, found: re.Match[str]) -> None:
    whole = "whole" in found["format"]
    is_editor = found["role"] == "Editor m"
    add.learn(model=None if is_editor else found["model"])
    add.change(whole_files=whole or (is_editor and add.context.whole_files))


def _applied(add: Builder, found: re.Match[str]) -> None:
    path = add.path(found["path"])
    if path is None:
        return
    call = _take_edit(add, path) or add.call("edit", "edit", path)
    change = call.changes[0] if call.changes else Change(path=path, change="modify")
    if path in add.context.new_path:
        change = msgspec.structs.replace(change, change="add")
    result = add.end_call(call, ToolOutcome("ok"))
    edit = add.add(as_edit(change, call.id), "edit")
    keys = (*add.context.turn, f"{call.id}:call", result, edit)
    add.change(turn=keys[-MAX_KEYS:], untested=True)


def _not_applied(add: Builder, found: re.Match[str]) -> None:
    if (call := _take_edit(add, add.path(found["path"]))) is not None:
        add.end_call(call, ToolOutcome("unknown", never_ran=True))


def _take_edit(add: Builder, path: str | None) -> OpenCall | None:
    """Returns the edit of a file that the last answer asked for, and stops waiting for it."""
    call = next((call for call in add.context.edits if call.subject == path), None)
    add.change(edits=tuple(other for other in add.context.edits if other is not call))
    return call


def _failed_edits(add: Builder, report: re.Match[str]) -> None:
    """Adds a failed edit for each file that a report names, with the line that gives the reason."""
    lines = filter(None, map(_FAILED_BLOCK.fullmatch, map(str.strip, report[0].splitlines())))
    reasons = {path: line[0] for line in lines if (path := add.path(line["path"])) is not None}
    for number, (path, reason) in enumerate(reasons.items(), 1):
        call = _take_edit(add, path) or add.call("edit", "edit", path, number=number)
        add.end_call(call, ToolOutcome("error", reason.strip("# ")))


def _create(add: Builder, _found: re.Match[str]) -> None:
    if (path := add.path(add.context.message)) is not None:
        add.change(new_path=(*add.context.new_path, path)[-MAX_KEYS:])


def _committed(add: Builder, found: re.Match[str]) -> None:
    context = add.context
    if not context.own_commit:
        add.change(own_commit=True)
        return
    # In git's own wording, so that it counts as a commit.
    outcome = ToolOutcome("ok", f"[HEAD {found['id']}] {found['subject']}", exit_code=0)
    keys = [add.end_call(add.call("commit", "shell", "git commit"), outcome)]
    if context.silent:
        # Written by a model too, and the only words for what it did.
        keys.append(add.add(AssistantMessage(text=found["subject"]), "answer"))
    commit = Commit(found["id"], (*context.turn, *keys))
    add.change(commits=(*context.commits, commit)[-MAX_COMMITS:], turn=(), silent=False)


def _undone(add: Builder, found: re.Match[str]) -> None:
    """Retracts a commit and its edits. One id may be the beginning of the other."""
    commits = add.context.commits
    gone = next((each for each in commits if each.id.startswith(found["id"]) or found["id"].startswith(each.id)), None)
    if gone is not None:
        add.change(commits=tuple(commit for commit in commits if commit is not gone))
        add.add(Retracted(keys=gone.place), "undone")


def _added_output(add: Builder, _found: re.Match[str]) -> None:
    """Handles output that goes to the model: of the user's command, of a suggested one, or of failed tests."""
    if add.context.call is None and add.context.untested and add.context.test_command:
        add.start_call(add.call("test", "shell", add.context.test_command))
    if add.context.call is not None and add.context.call.name == "test":
        add.close("error")
        add.change(in_turn=True, untested=False)
    add.close("unknown")


def _lint_failed(add: Builder, _found: re.Match[str]) -> None:
    output = add.context.lint or ""
    linter = _LINTER.search(output)
    call = add.call("lint", "shell", linter["command"] if linter else "lint")
    add.begin_call(call)
    add.end_call(call, ToolOutcome("error", output))
    add.change(lint=None)


def _interrupted(add: Builder, _found: re.Match[str]) -> None:
    add.close("interrupted")
    if add.context.in_turn and not add.context.interrupted:
        add.add(TurnEnd(reason="interrupted"), "interrupted")
    add.change(interrupted=True)


_MESSAGES: Final[tuple[tuple[re.Pattern[str], Callable[[Builder, re.Match[str]], None]], ...]] = (
    (re.compile(r"Applied edit to (?P<path>.+)"), _applied),
    (re.compile(r"(?:Did not apply edit|Skipping edits) to (?P<path>.+?)(?: \(--dry-run\))?"), _not_applied),
    (re.compile(r"Commit (?P<id>[0-9a-f]{7,40}) (?P<subject>.*)"), _committed),
    (re.compile(r"Committing .+ before applying edits\."), lambda add, _: add.change(own_commit=False)),
    (re.compile(rf"Create new file\? .*\]: {_YES}"), _create),
    (re.compile(r"Removed: (?P<id>[0-9a-f]{7,40}) .*"), _undone),
    (
        re.compile(r"Running (?P<command>(?!playwright).+)"),
        lambda add, found: add.start_call(add.call("run", "shell", found["command"])),
    ),
    (re.compile(r"Added \d+ lines? of output to the chat\."), _added_output),
    (
        re.compile(rf"Add .*command output to the chat\? .*\]: (?!{_YES}\Z).*"),
        lambda add, _: add.close("unknown"),
    ),
    (_AFTER_LINT, _lint_failed),
    (re.compile(r"\^C .*"), _interrupted),
    (re.compile(r"(?s)# \d+ SEARCH/REPLACE blocks? failed to match!.*"), _failed_edits),
    (re.compile(r"(?s)Tokens: .*"), lambda add, _: add.change(in_turn=False, interrupted=False)),
    (re.compile(r"(?s)Processing your request\.\.\..*"), lambda add, _: add.change(in_turn=True)),  # a comment asks
    (re.compile(r"(?s)# Fix any errors below, if possible\..*"), lambda add, _: add.change(lint="")),
    (re.compile(r"Aider v(\d\S*)"), lambda add, found: add.learn(agent_version=found[1])),
    (re.compile(r"(?P<role>Main m|M|Editor m)odel: (?P<model>\S+) with (?P<format>\S+) edit format.*"), _model),
)
