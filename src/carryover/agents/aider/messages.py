"""Parses Aider's own messages: edits, commits, tests, linting and errors (0.82.3, 0.86.2). The others are ignored."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import msgspec

from carryover.adapter.event_builder import OpenCall
from carryover.agents.aider.builder import Builder, mark_of
from carryover.agents.aider.wire import MAX_COMMITS, MAX_KEYS, MAX_LINT_CHARS, Commit
from carryover.model import AssistantMessage, Retracted, SessionEnd, TurnEnd, UserPrompt
from carryover.records.changes import Change, as_edit
from carryover.records.resets import failed_turn, names_limit

BLANK: Final = "<blank>"

_ASKING: Final = frozenset(("/ask", "/code", "/architect", "/context"))
"""Commands whose text goes to the model and is written down again without the command."""
_TEST: Final = "/test"
_SHELL: Final = {"/run": "", "/git": "git "}
_ENDS: Final = frozenset(("/exit", "/quit"))


def user_input(add: Builder, text: str) -> None:
    """Parses one input of the user. Inputs that are neither a prompt nor a command that runs something are ignored."""
    _end_of_turn(add)
    if not text or text == BLANK:
        return
    mark = mark_of(text)
    context = add.context
    if mark in (context.repeated, context.answer):
        # The words of a command once more, or the architect's answer, handed to the editor model.
        add.change(repeated=0, answer=0, in_turn=True)
        return
    add.change(repeated=0, answer=0)
    if text.startswith("!"):
        add.start_call(add.call("run", "shell", text[1:].strip(), actor="human"))
    elif text.startswith("/"):
        _command(add, text)
    else:
        add.add(UserPrompt(text=text, actor=add.prompted_by), "prompt")
        add.change(in_turn=True)


def _end_of_turn(add: Builder) -> None:
    """Ends what ran before a new input. `/test` and tests after an edit print nothing if they pass."""
    context = add.context
    call = context.call
    if call is not None and call.name == "test":
        known = bool(call.subject) and not context.interrupted
        add.close("ok" if known else "unknown", exit_code=0 if known else None)
    else:
        add.close("unknown")
        if context.auto_test and context.untested and context.test_command and not context.interrupted:
            passed = add.call("test", "shell", context.test_command, number=1)
            add.end_call(passed, "ok", exit_code=0)
    drop_edits(add)
    add.change(untested=False, interrupted=False, lint=None)


def drop_edits(add: Builder) -> None:
    """Ends the edits that the last answer asked for and Aider has not applied: it no longer will."""
    for call in add.context.edits:
        add.end_call(call, "unknown", never_ran=True)
    add.change(edits=())


def _command(add: Builder, text: str) -> None:
    word, _, words = text.partition(" ") if " " in text.partition("\n")[0] else text.partition("\n")
    words = words.strip()
    if word in _ASKING and words:
        add.add(UserPrompt(text=words, actor=add.prompted_by, command=word), "prompt")
        add.change(repeated=mark_of(words), in_turn=True)
    elif word == _TEST:
        add.start_call(add.call("test", "shell", words or add.context.test_command, actor="human"))
    elif word in _SHELL and words:
        add.start_call(add.call("run", "shell", _SHELL[word] + words, actor="human"))
    elif word == "/web" and words:
        add.ran(add.call("web", "web", words, actor="human"), "unknown")
    elif word in _ENDS:
        add.add(SessionEnd(reason=word[1:]), "end")


_COMMAND_LINE: Final = re.compile(r"(?:.*[/\\])?aider(?:\.exe|\.py|-script\.py)?(?: (?P<options>.*))?", re.IGNORECASE)
_TEST_OPTION: Final = re.compile(r"--test-cmd[ =](?P<command>.+?)(?= --[a-z]|$)")
_VERSION: Final = re.compile(r"Aider v(\d\S*)")
_MODEL: Final = re.compile(r"(?P<role>Main m|M|Editor m)odel: (?P<model>\S+) with (?P<format>\S+) edit format.*")
_ERROR: Final = re.compile(r"litellm\.\w*(?:Error|Exception)\w*: ")
_FAILED_BLOCK: Final = re.compile(r"## \w+: This SEARCH block failed to exactly match lines in (?P<path>.+)")
_REPORT: Final = re.compile(r"# \d+ SEARCH/REPLACE blocks? failed to match!")
_LINTER: Final = re.compile(r"## Running: (?P<command>.+)")
_LINT_STARTS: Final = "# Fix any errors below, if possible."
_YES: Final = re.compile(r"(?:y|yes|a|all|)", re.IGNORECASE)


def own_message(add: Builder, text: str, *, last: bool) -> None:
    """Parses one message. `last`: no other message follows in this block."""
    for pattern, read in _TABLE:
        found = pattern.fullmatch(text)
        if found is not None:
            read(add, found)
            break
    else:
        _other(add, text, last=last)
    add.change(message=text if len(text) < MAX_SUBJECT else "")


MAX_SUBJECT: Final = 500


def _other(add: Builder, text: str, *, last: bool) -> None:
    if _REPORT.match(text):
        _failed_edits(add, text)
    elif _ERROR.match(text):
        add.change(lint=None)
        _failed_request(add, text, last=last)
    elif text == _LINT_STARTS:
        add.change(lint="")
    elif add.context.lint is not None:
        add.change(lint=f"{add.context.lint}{text}\n"[:MAX_LINT_CHARS])
    elif add.context.items <= _COMMAND_LINE_WITHIN and (found := _COMMAND_LINE.fullmatch(text)):
        _command_line(add, found["options"] or "")


_COMMAND_LINE_WITHIN: Final = 10
"""Messages that may precede a session's command line: the questions of a first start."""


def _command_line(add: Builder, options: str) -> None:
    test = _TEST_OPTION.search(options)
    add.change(
        test_command=test["command"].strip() if test else "",
        auto_test="--auto-test" in options.split(),
    )


def _version(add: Builder, found: re.Match[str]) -> None:
    add.learn(agent_version=found[1])


def _model(add: Builder, found: re.Match[str]) -> None:
    whole = "whole" in found["format"]
    if found["role"] == "Editor m":
        add.change(whole_files=add.context.whole_files or whole)
        return
    add.learn(model=found["model"])
    add.change(whole_files=whole)


def _applied(add: Builder, found: re.Match[str]) -> None:
    path = add.path(found["path"])
    if path is None:
        return
    call = _take_edit(add, path) or add.call("edit", "edit", path)
    change = call.changes[0] if call.changes else Change(path=path, change="modify")
    if path in add.context.new_path:
        change = msgspec.structs.replace(change, change="add")
    result, edit = add.end_call(call, "ok"), add.add(as_edit(change, call.id), "edit")
    keys = (*add.context.turn, f"{call.id}:call", result, edit)
    add.change(turn=keys[-MAX_KEYS:], untested=True)


def _not_applied(add: Builder, found: re.Match[str]) -> None:
    path = add.path(found["path"] or found["skipped"])
    call = _take_edit(add, path) if path is not None else None
    if call is not None:
        add.end_call(call, "unknown", never_ran=True)


def _take_edit(add: Builder, path: str) -> OpenCall | None:
    """Returns the edit of a file that the last answer asked for, and stops waiting for it."""
    call = next((call for call in add.context.edits if call.subject == path), None)
    add.change(edits=tuple(other for other in add.context.edits if other is not call))
    return call


def _create(add: Builder, found: re.Match[str]) -> None:
    path = add.path(add.context.message)
    if path is not None and _YES.fullmatch(found["answer"]):
        add.change(new_path=(*add.context.new_path, path)[-MAX_KEYS:])


def _commit_first(add: Builder, _found: re.Match[str]) -> None:
    add.change(own_commit=False)


def _committed(add: Builder, found: re.Match[str]) -> None:
    context = add.context
    if not context.own_commit:
        add.change(own_commit=True)
        return
    # In git's own wording, so that it counts as a commit.
    output = f"[HEAD {found['id']}] {found['subject']}"
    keys = [add.end_call(add.call("commit", "shell", "git commit"), "ok", output, exit_code=0)]
    if context.silent:
        # Written by a model too, and the only words for what it did.
        keys.append(add.add(AssistantMessage(text=found["subject"]), "answer"))
    commit = Commit(found["id"], (*context.turn, *keys))
    add.change(commits=(*context.commits, commit)[-MAX_COMMITS:], turn=(), silent=False)


def _undone(add: Builder, found: re.Match[str]) -> None:
    """Retracts a commit and its edits. A commit that Aider knows only by a prefix counts as the same."""
    gone = next((commit for commit in add.context.commits if _same(commit.id, found["id"])), None)
    if gone is not None:
        add.change(commits=tuple(commit for commit in add.context.commits if commit is not gone))
        add.add(Retracted(keys=gone.place), "undone")


def _same(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _running(add: Builder, found: re.Match[str]) -> None:
    add.start_call(add.call("run", "shell", found["command"]))


def _added_output(add: Builder, _found: re.Match[str]) -> None:
    """Handles output that goes to the model: of the user's command, of a suggested one, or of failed tests."""
    call = add.context.call
    if call is None:
        if add.context.untested and add.context.test_command:
            add.ran(add.call("test", "shell", add.context.test_command), "error")
            add.change(untested=False)
    elif call.name == "test":
        add.close("error")
        add.change(in_turn=True, untested=False)
    else:
        add.close("unknown")


def _kept_output(add: Builder, found: re.Match[str]) -> None:
    if not _YES.fullmatch(found["answer"]):
        add.close("unknown")


def _lint_failed(add: Builder, _found: re.Match[str]) -> None:
    output = add.context.lint or ""
    linter = _LINTER.search(output)
    add.ran(add.call("lint", "shell", linter["command"] if linter else "lint"), "error", output)
    add.change(lint=None)


def _failed_edits(add: Builder, text: str) -> None:
    """Adds a failed edit for each file that a report names, with the line that gives the reason."""
    seen: set[str] = set()
    for line in text.splitlines():
        found = _FAILED_BLOCK.fullmatch(line.strip())
        path = add.path(found["path"]) if found else None
        if path is not None and path not in seen:
            seen.add(path)
            call = _take_edit(add, path) or add.call("edit", "edit", path, number=len(seen))
            add.end_call(call, "error", line.strip("# "))


def _failed_request(add: Builder, text: str, *, last: bool) -> None:
    """Handles a request that the provider refused. The turn ends unless Aider announces another try."""
    if last:
        _end_turn(add, text, limited=names_limit(text))


def _interrupted(add: Builder, _found: re.Match[str]) -> None:
    add.close("interrupted")
    if add.context.in_turn and not add.context.interrupted:
        add.add(TurnEnd(reason="interrupted"), "interrupted")
    add.change(interrupted=True)


def _gave_up(add: Builder, found: re.Match[str]) -> None:
    _end_turn(add, found[0], limited=False)


def _end_turn(add: Builder, text: str, *, limited: bool) -> None:
    add.add(failed_turn(text, add.at_ms, limited=limited), "turn end")
    add.change(in_turn=False)


def _answered(add: Builder, _found: re.Match[str]) -> None:
    add.change(in_turn=False, interrupted=False)


def _asked_by_comment(add: Builder, _found: re.Match[str]) -> None:
    add.change(in_turn=True)


_TABLE: Final[tuple[tuple[re.Pattern[str], Callable[[Builder, re.Match[str]], None]], ...]] = (
    (re.compile(r"Tokens: .*"), _answered),
    (re.compile(r"Applied edit to (?P<path>.+)"), _applied),
    (re.compile(r"Did not apply edit to (?P<path>.+) \(--dry-run\)|Skipping edits to (?P<skipped>.+)"), _not_applied),
    (re.compile(r"Commit (?P<id>[0-9a-f]{7,40}) (?P<subject>.*)"), _committed),
    (re.compile(r"Committing .+ before applying edits\."), _commit_first),
    (re.compile(r"Create new file\? .*\]: (?P<answer>.*)"), _create),
    (re.compile(r"Removed: (?P<id>[0-9a-f]{7,40}) .*"), _undone),
    (re.compile(r"Running (?P<command>(?!playwright).+)"), _running),
    (re.compile(r"Added \d+ lines? of output to the chat\."), _added_output),
    (re.compile(r"Add .*command output to the chat\? .*\]: (?P<answer>.*)"), _kept_output),
    (re.compile(r"Attempt to fix lint errors\? .*"), _lint_failed),
    (re.compile(r"\^C .*"), _interrupted),
    (re.compile(r"Only \d+ reflections allowed, stopping\."), _gave_up),
    (re.compile(r"Model .* has hit a token limit!"), _gave_up),
    (re.compile(r"Processing your request\.\.\."), _asked_by_comment),
    (_VERSION, _version),
    (_MODEL, _model),
)
