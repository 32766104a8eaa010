"""Aider: a terminal agent that writes the chats of a project into a Markdown file (0.82.3, 0.86.2)."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from carryover import model
from carryover.adapter.contract import Agent, Parsed, Record, Source, ToolOutcome
from carryover.agents.aider import SPEC
from carryover.agents.aider.answers import read_answer
from carryover.agents.aider.history import DECODER, HistoryReader, exported_history, histories, history_at
from carryover.agents.aider.inputs import is_choice, mark_of, request_below
from carryover.records import rawjson
from carryover.records.changes import Change, as_edit
from carryover.records.fields import SUBJECT_CHARS, bounded, resolved
from carryover.records.text import names_own_folder
from carryover.text.pattern import later
from carryover.transcript.recorder import OpenCall, Recorder, SessionContext, differing, reemitted_after, usable_name
from carryover.transcript.turns import add_answer, add_failure

_MAX_INPUTS: Final = 300
"""Most different inputs of one session that are counted."""
_MAX_EDITS: Final = 50
"""Most edits kept of one answer."""
_MAX_COMMITS: Final = 20
_MAX_KEYS: Final = 50
_MAX_LINT_CHARS: Final = 3_000
_MAX_SUBJECT: Final = 500
_ASKING: Final = ("/ask", "/code", "/architect", "/context")
"""Commands whose text goes to the model and is written down again without the command."""
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
_FAILED_BLOCK: Final = later(r"## \w+: This SEARCH block failed to exactly match lines in (?P<path>.+)")
_LINTER: Final = later(r"## Running: (?P<command>.+)")
_AFTER_LINT: Final = later(r"Attempt to fix lint errors\? .*")
_AROUND: Final = later(r"(?m)^(?:\d+│.*|\.\.\.⋮\.\.\.)\n")  # the lines that the linter means have a █
_YES: Final = r"(?i:y|yes|a|all|)"


class _Commit(msgspec.Struct, frozen=True):
    """A commit that Aider made and that `/undo` may revert. `place`: the keys of its edits' events."""

    id: str
    place: tuple[str, ...]


class _Context(SessionContext, frozen=True, omit_defaults=True):
    """The state of the session that was read last, between two blocks.

    `last_ms`: the time of the last input, plus 1 ms for each item since. An item is an input, an answer or a message.
    """

    session: str = ""
    last: bytes | None = None
    """Key of the last event. Bytes, since text might be taken for a secret."""
    items: int = 0
    inputs: dict[int, int] = msgspec.field(default_factory=dict)
    """Number of times each input of the session was given so far, by digest."""
    prompt: int = 0
    """Digest of the last input and its number of repetitions; 0 before the first input."""
    since: int = 0
    """Answers and messages since the last input."""
    mark: int = 0
    """Digest of the current item, 0 for an input."""
    reported_ms: int = 0
    """UTC milliseconds of the latest event."""
    whole_files: bool = False
    """Whether the model writes its edits as whole files."""
    test_command: str = ""
    auto_test: bool = False
    """Whether tests run after each edit."""
    untested: bool = False
    """Whether files were changed without a test since."""
    in_turn: bool = False
    """Whether the model was asked and has not answered."""
    interrupted: bool = False
    answer: int = 0
    """Digest of the last answer. In architect mode, the editor model gets it as a prompt."""
    repeated: int = 0
    """Digest of what may be repeated as a prompt: the text given to a command, or an answer without its thinking."""
    silent: bool = False
    """Whether the last answer consists of edits only."""
    call: OpenCall | None = None
    edits: tuple[OpenCall, ...] = ()
    """Edits that the last answer asks for, each with its change, until Aider reports their outcome."""
    message: str = ""
    """The last message. A question about a file follows the file's path."""
    new_path: tuple[str, ...] = ()
    """Files that the user let Aider create."""
    turn: tuple[str, ...] = ()
    """Keys of the events of uncommitted edits."""
    own_commit: bool = True
    """False if the next commit contains changes made before."""
    commits: tuple[_Commit, ...] = ()
    lint: str | None = None
    """The linter's output so far; None if it is not printing any."""


@dataclass(slots=True, kw_only=True)
class _Recorder(Recorder[_Context]):
    """Records one block."""

    root: str
    """The project, or the folder of a copied history. Paths are relative to it."""
    input_ms: int
    """UTC milliseconds of the last input."""
    seen_ms: int
    """When the block was first seen, UTC milliseconds; 0 if unknown."""
    prompted_by: model.Actor

    @property
    def item(self) -> str:
        """The id of the input, answer or message being parsed. It stays the same if earlier ones are removed."""
        return f"{self.context.session}/{self.context.prompt}.{self.context.since}.{self.context.mark}"

    def advance(self, **place: object) -> None:
        """Advances to the next item, and replaces the fields of the context that say where it is.

        Only inputs carry a time. Other items are dated after their input, not before they were first seen, and 1 ms
        after the item before, so that the order is kept.
        """
        last_ms = max(self.input_ms, self.context.last_ms + 1)
        self.at_ms = max(last_ms, self.seen_ms, self.context.reported_ms + 1)
        self.change(items=self.context.items + 1, last_ms=last_ms, reported_ms=self.at_ms, **place)

    def add(self, body: model.AnyBody, key: str) -> None:
        """Adds an event under a key."""
        self.append(key, body, session=self.context.session, cwd=self.root)

    def call(self, name: str, op: model.Op, subject: str, *, actor: model.Actor = "model", number: int = 0) -> OpenCall:
        """Returns a call without adding it. `number` distinguishes it from other calls of the same item."""
        ident = f"{self.item}#{number}" if number else self.item
        subject = bounded(subject, SUBJECT_CHARS)
        return OpenCall(ident, name, op, subject, actor, handoff=names_own_folder(subject))

    def end(self, call: OpenCall, outcome: ToolOutcome) -> None:
        """Adds the result of a call."""
        self.end_call(call, outcome, result=f"{call.id}:result", changes=())

    def run(self, name: str, command: str, actor: model.Actor = "model") -> None:
        """Adds a command whose end comes later. One that still runs ends as `unknown`."""
        self.close("unknown")
        call = self.call(name, "shell", command, actor=actor)
        self.add_call(call, f"{call.id}:call")
        self.change(call=call)

    def close(self, status: model.ResultStatus) -> None:
        """Adds the end of the command that runs, if there is one."""
        if (call := self.context.call) is not None:
            self.change(call=None)
            self.end(call, ToolOutcome(status, exit_code=0 if status == "ok" else None))

    def path(self, name: str) -> str | None:
        """Returns the absolute path of a file that Aider names; None if it can't be determined."""
        name = name.strip().replace("\\", "/")  # of Windows, and no client for other systems writes one
        return resolved(name, self.root) if name else None

    def take_edit(self, path: str | None) -> OpenCall | None:
        """Returns the edit of a file that the last answer asked for, and stops waiting for it."""
        call = next((call for call in self.context.edits if call.subject == path), None)
        self.change(edits=tuple(other for other in self.context.edits if other is not call))
        return call

    def drop_edits(self) -> None:
        """Ends the edits that the last answer asked for and Aider has not applied: it no longer will."""
        for call in self.context.edits:
            self.end(call, ToolOutcome("unknown", never_ran=True))
        self.change(edits=())

    def parsed(self) -> tuple[_Context, Parsed]:
        """Returns the next context and the events of the block, session facts first."""
        facts, emitted = self.context.facts, self.context.emitted
        if self.events and facts != emitted:
            # The key has no time in it, since a message may get another time when the file is read again.
            self.add(model.SessionInfo(**differing(facts, emitted)), f"{self.item}:info")
            self.events.insert(0, self.events.pop())
            self.change(emitted=facts)
        if self.events:
            self.change(last=self.last_key)
        return self.context, self.built()


def _parse(source: Source, context: _Context, record: Record) -> tuple[_Context, Parsed]:
    """Parses one block. Never raises: what is not understood is counted."""
    block = rawjson.read(DECODER, record.data)
    if isinstance(block, str):
        return context, Parsed(skipped=(rawjson.skipped(None, block, None),))
    session = usable_name(block.session)
    if session is None or not (block.at_ms or block.kind == "begin"):
        return context, Parsed(skipped=(rawjson.skipped(block.kind, "no session or time", None),))
    if context.session != session or (block.kind == "begin" and not block.on):
        context = _Context(session=session)
    if block.kind == "begin":
        return context, Parsed(reemitted=reemitted_after(context.last, session=session, more=block.more))
    # A file outside a project is a copy, so it doesn't show when its blocks were written. Anyone may have added to one
    # in a project, so there a prompt counts as a person's only if the input history has it too.
    is_copy = not source.group
    recorder = _Recorder(
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


def _prompt(recorder: _Recorder, text: str) -> None:
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
    again = mark in (recorder.context.repeated, recorder.context.answer)
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


def _command(recorder: _Recorder, text: str) -> None:
    word, words = [*text.split(maxsplit=1), ""][:2]
    if word in _ASKING and words:
        recorder.add(model.UserPrompt(text=words, actor=recorder.prompted_by, command=word), f"{recorder.item}:prompt")
        recorder.change(repeated=mark_of(words), in_turn=True)
    elif word == "/test":
        recorder.run("test", words or recorder.context.test_command, "human")
    elif word in _SHELL and words:
        recorder.run("run", _SHELL[word] + words, "human")
    elif request := request_below(word, words):
        recorder.add(model.UserPrompt(text=request, actor=recorder.prompted_by), f"{recorder.item}:prompt")
    elif word in ("/exit", "/quit"):
        recorder.add(model.SessionEnd(reason=word[1:]), f"{recorder.item}:end")


def _end_of_turn(recorder: _Recorder) -> None:
    """Ends what ran before a new input. `/test` and tests after an edit print nothing if they pass."""
    context = recorder.context
    call = context.call
    is_test = call is not None and call.name == "test"
    passed = call is not None and is_test and call.subject and not context.interrupted
    recorder.close("ok" if passed else "unknown")
    if not is_test and context.auto_test and context.untested and context.test_command and not context.interrupted:
        recorder.end(recorder.call("test", "shell", context.test_command, number=1), ToolOutcome("ok", exit_code=0))
    recorder.drop_edits()
    recorder.change(untested=False, interrupted=False, lint=None)


def _answer(recorder: _Recorder, text: str) -> None:
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
    recorder.change(edits=tuple(edits), silent=not prose, new_path=(), lint=None)
    recorder.change(answer=mark_of(text), repeated=mark_of(text.rpartition("</think>")[2]))


def _message(recorder: _Recorder, text: str, *, retried: bool) -> None:
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
        if not retried:
            add_failure(recorder, f"{recorder.item}:turn end", text)
            recorder.change(in_turn=False)
    elif recorder.context.items <= _COMMAND_LINE_WITHIN and (line := _COMMAND_LINE.fullmatch(text)):
        options = line["options"] or ""
        test = _TEST_OPTION.search(options)
        auto_test = "--auto-test" in options.split()
        recorder.change(test_command=test["command"].strip() if test else "", auto_test=auto_test)
    recorder.change(message=text if len(text) < _MAX_SUBJECT else "")


def _model(recorder: _Recorder, found: re.Match[str]) -> None:
    is_editor = found["role"] == "Editor m"
    recorder.learn(model=None if is_editor else found["model"])
    recorder.change(whole_files="whole" in found["format"] or (is_editor and recorder.context.whole_files))


def _applied(recorder: _Recorder, found: re.Match[str]) -> None:
    path = recorder.path(found["path"])
    if path is None:
        return
    call = recorder.take_edit(path) or recorder.call("edit", "edit", path)
    change = call.changes[0] if call.changes else Change(path=path, change="modify")
    if path in recorder.context.new_path:
        change = msgspec.structs.replace(change, change="add")
    recorder.end(call, ToolOutcome("ok"))
    recorder.add(as_edit(change, call.id), f"{recorder.item}:edit")
    keys = (*recorder.context.turn, f"{call.id}:call", *(event.key for event in recorder.events))
    recorder.change(turn=keys[-_MAX_KEYS:], untested=True)


def _not_applied(recorder: _Recorder, found: re.Match[str]) -> None:
    if (call := recorder.take_edit(recorder.path(found["path"]))) is not None:
        recorder.end(call, ToolOutcome("unknown", never_ran=True))


def _failed_edits(recorder: _Recorder, report: re.Match[str]) -> None:
    """Adds a failed edit for each file that a report names, with the line that gives the reason."""
    lines = filter(None, map(_FAILED_BLOCK.fullmatch, map(str.strip, report[0].splitlines())))
    reasons = {path: line[0] for line in lines if (path := recorder.path(line["path"])) is not None}
    for number, (path, reason) in enumerate(reasons.items(), 1):
        call = recorder.take_edit(path) or recorder.call("edit", "edit", path, number=number)
        recorder.end(call, ToolOutcome("error", reason.strip("# ")))


def _create(recorder: _Recorder, _found: re.Match[str]) -> None:
    if (path := recorder.path(recorder.context.message)) is not None:
        recorder.change(new_path=(*recorder.context.new_path, path)[-_MAX_KEYS:])


def _committed(recorder: _Recorder, found: re.Match[str]) -> None:
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
    commit = _Commit(found["id"], (*context.turn, *(event.key for event in recorder.events)))
    recorder.change(commits=(*context.commits, commit)[-_MAX_COMMITS:], turn=(), silent=False)


def _undone(recorder: _Recorder, found: re.Match[str]) -> None:
    """Retracts a commit and its edits, which is what the user asked for. One id may be the beginning of the other."""
    recorder.add(model.UserPrompt(text="", actor=recorder.prompted_by, command="/undo"), f"{recorder.item}:prompt")
    add_answer(recorder, f"{recorder.item}:answer", found[0], final=True)
    commits = recorder.context.commits
    gone = next((each for each in commits if each.id.startswith(found["id"]) or found["id"].startswith(each.id)), None)
    if gone is not None:
        recorder.change(commits=tuple(commit for commit in commits if commit is not gone))
        recorder.add(model.Retracted(keys=gone.place), f"{recorder.item}:undone")


def _added_output(recorder: _Recorder, _found: re.Match[str]) -> None:
    """Handles output that goes to the model: of the user's command, of a suggested one, or of failed tests."""
    context = recorder.context
    if context.call is None and context.untested and context.test_command:
        recorder.run("test", context.test_command)
    if recorder.context.call is not None and recorder.context.call.name == "test":
        recorder.close("error")
        recorder.change(in_turn=True, untested=False)
    recorder.close("unknown")


def _lint_failed(recorder: _Recorder, _found: re.Match[str]) -> None:
    output = _AROUND.sub("", recorder.context.lint or "")
    linter = _LINTER.search(output)
    call = recorder.call("lint", "shell", linter["command"] if linter else "lint")
    recorder.add_call(call, f"{call.id}:call")
    recorder.end(call, ToolOutcome("error", output))
    recorder.change(lint=None)


def _interrupted(recorder: _Recorder, _found: re.Match[str]) -> None:
    recorder.close("interrupted")
    if recorder.context.in_turn and not recorder.context.interrupted:
        recorder.add(model.TurnEnd(reason="interrupted"), f"{recorder.item}:interrupted")
    recorder.change(interrupted=True)


def _changes(**changes: object) -> _Handler:
    """Returns a handler of a message that only replaces fields of the context."""
    return lambda recorder, _: recorder.change(**changes)


_Handler = Callable[[_Recorder, re.Match[str]], None]
_MESSAGES: Final[tuple[tuple[re.Pattern[str], _Handler], ...]] = (
    (later(r"Applied edit to (?P<path>.+)"), _applied),
    (later(r"(?:Did not apply edit|Skipping edits) to (?P<path>.+?)(?: \(--dry-run\))?"), _not_applied),
    (later(r"Commit (?P<id>[0-9a-f]{7,40}) (?P<subject>.*)(?s:.*)"), _committed),
    (later(r"Committing .+ before applying edits\."), _changes(own_commit=False)),
    (later(rf"Create new file\? .*\]: {_YES}"), _create),
    (later(r"(?:Removed: |Commit `)(?P<id>[0-9a-f]{7,40})(?: .*|` was reset and removed from git\.)"), _undone),
    (later(r"Running (?!playwright)(.+)"), lambda recorder, found: recorder.run("run", found[1])),
    (later(r"Added \d+ lines? of output to the chat\."), _added_output),
    (later(rf"Add .*command output to the chat\? .*\]: (?!{_YES}\Z).*"), lambda recorder, _: recorder.close("unknown")),
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
    context_type=_Context,
    source_of=history_at,
    sources=histories,
    parse=_parse,
    exported=exported_history,
)
