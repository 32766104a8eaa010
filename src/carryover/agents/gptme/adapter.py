"""gptme: a terminal agent whose conversations are files of one message per line. FACTS.md has what they look like.

Calls stand in the text of an answer, in fences or as `@tool(id): {...}`. No hook of it reaches the model (0.35.1).
"""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from carryover.adapter.contract import Agent, FileStat, Parsed, Record, Source, ToolOutcome
from carryover.adapter.layouts import Layout
from carryover.agents.gptme import SPEC
from carryover.model import AgentSummary, FileEdit, Op, PlanItem, PlanUpdate, Retracted, TurnEnd
from carryover.records import rawjson
from carryover.records.asked import MOST_TODOS, PLAN_STATES
from carryover.records.changes import Replacement, replaced, written
from carryover.records.fields import (
    SHORT_CHARS,
    bounded,
    digest,
    from_home,
    local_ms,
    session_of_copy,
    stated_folder,
)
from carryover.records.lenient import Fields, fields_of, is_true, text_of
from carryover.records.patches import patched_path, with_place
from carryover.records.resets import names_limit
from carryover.text.pattern import later
from carryover.transcript.open_calls import known_call
from carryover.transcript.recorder import OneSession, OpenCall, SessionContext, Tools, usable_folder
from carryover.transcript.refusals import CLIENT_WORDED, refused
from carryover.transcript.rewritten import Document, SnapshotReader, complete_lines
from carryover.transcript.turns import add_answer, add_failure, add_prompt, said_in

_LAYOUTS: Final = (Layout(globs=("*/conversation.jsonl",), pattern=r"(?P<session>[^/]+)/conversation\.jsonl"),)
_HIDE: Final = b'"hide"'
_HEAD: Final = later(rb'\{"role": "system", "content": "You are gptme\b')

_INTERRUPTED: Final = "Interrupted by user"
_DECLINED: Final = "Execution declined by user"
_FINISHED: Final = "complete"
_FENCE: Final = later(r"^`{3,}(\S*)[ \t]*(.*)$", re.MULTILINE)
_NATIVE: Final = later(r"^@(\w+)\(([\w\-:.]+)\):\s*(?=\{)", re.MULTILINE)
_LINES: Final = r"((?:(?!<<<<<<< ORIGINAL\n|{}).*\n)*)"
_HUNK: Final = later(
    rf"^<<<<<<< ORIGINAL\n{_LINES.format('=======$')}=======\n{_LINES.format('>>>>>>> UPDATED')}>>>>>>> UPDATED",
    re.MULTILINE,
)


def _changes(op: Op, given: Fields, cwd: str | None) -> tuple[FileEdit, ...]:
    path = patched_path(text_of(given.get("path")), cwd)
    if path is None or op not in ("edit", "write"):
        return ()
    content = text_of(given.get("content"))
    if op == "write":
        return (written(path, content),)
    hunks = [Replacement(*found) for found in _HUNK.findall(text_of(given.get("patch")))]
    hunks += [Replacement("", content)] if "content" in given else []
    return (replaced(path, hunks, counted=True),) if "patch" in given or hunks else ()


TOOLS: Final = Tools(
    {
        "shell": "shell",
        "read": "read",
        "write": "save",
        "edit": "append hashline_edit morph patch patch_many",
        "web": "browser",
        "plan": "todo",
        "agent": "subagent",
        "other": f"chats gh ipython mcp memory py tmux {_FINISHED}",
    },
    changes=_changes,
)
"""The tools that gptme runs from a fence (0.28 to 0.35)."""
_CODE: Final = {"append": "content", "patch": "patch", "save": "content"}
"""The argument that the text in a tool's fence is; of the others it is a command."""
_OUTPUT: Final = later(r"\n\n(?:```std(?:out|err)\n(.*?)(?:\n?^```$|\Z)|`([^\n]*)`$)", re.MULTILINE | re.DOTALL)
_RETURNED: Final = later(r"^Return code: (-?\d{1,10})$", re.MULTILINE)
_DONE: Final = later(r"(?:Patch successfully applied|Saved|Appended) to `?([^`\n]*?)`?(?: \(|$)", re.MULTILINE)
_TODO: Final = later(r"(Added|Updated|Removed) todo (\d{1,9})(?: (state|text) to)?: (.*)")


_MESSAGE: Final = msgspec.json.Decoder(Fields)
_INCLUDED: Final = later(r"\n\n`{3,}(?P<path>[^\s`][^\n`]*)\n")  # a path with blanks stands in backticks (0.35.1)
_MOST_BLOCKS: Final = 100
"""So many blocks of a prompt may be the user's own. Each is looked for in all of the text above it."""
_CLIENTS: Final = ("<system>", "Completion verification failed: ")
"""The beginnings of prompts that gptme sends itself: when it runs without a terminal and no tool was called, and, with
the script's output, when a script of the project finds the work not done."""
_CHECKPOINT: Final = "compaction_checkpoint_view"
"""The metadata of the prompt by which it asks for a summary before it compacts (0.35.1)."""
_NOTICES: Final = ("<system_info>", "Loaded agent instructions from ", "Shellcheck found potential issues:")
"""The beginnings of what gptme says between a call and its result, or behind a result (0.35.1)."""
_MOST_SAID: Final = 300
_STOPPED: Final = "... ^C Interrupted"
_FAILED: Final = later(r"LLM request failed: |error: \w+\n")


_SAYS_ALL: Final = "You are "
_FOLDER: Final = r"\*\*Working Directory:\*\* (/.+)"
_OWN_FOLDER: Final = later(rf"## System Information\n\n(?:\*\*OS:\*\* .*\n)?{_FOLDER}")
"""The whole of the message that states the folder. A project's `base_prompt` can begin the first message, but other
text of the client follows it there (0.35.1)."""
_ANY_FOLDER: Final = later(rf"^{_FOLDER}", re.MULTILINE)
_STATED: Final = {
    "agent_version": (_SAYS_ALL, later(r"You are \S+ v(\d{1,9}\.\d{1,9}\.\d{1,9})")),
    "branch": ("# Project Workspace", later(r"^\*\*Branch:\*\* `([^`\n]+)`", re.MULTILINE)),
}
"""Facts, how the messages begin that state them, and in which words."""


class _Context(SessionContext, frozen=True, omit_defaults=True):
    todos: dict[str, PlanItem] = msgspec.field(default_factory=dict)
    said: tuple[bytes, ...] = ()
    """Keys of the newest events that `/undo` takes back. They are bytes because a text might be taken for a secret."""
    gone: tuple[bytes, ...] = ()
    """Those that have not come again since the conversation was rewritten."""
    summary_next: bool = False
    """Whether the next answer is the summary of a compaction."""


def _conversation_in(path: Path, stat: FileStat) -> Document:  # noqa: ARG001
    """Takes the snapshot of a conversation. Raises OSError if it cannot be read."""
    lines = complete_lines(path)
    if not any("role" in fields_of(line) for line in lines):
        raise OSError(errno.EINVAL, "not a conversation", str(path))
    # With each message, all others are looked at. Most of them need not be decoded for that.
    marked = {number: fields_of(line) for number, line in enumerate(lines) if _HIDE in line}
    hidden = {number: message for number, message in marked.items() if is_true(message.get("hide"))}
    stated = _stated([text_of(message.get("content")) for message in hidden.values()])
    return Document(
        "lines",
        [line for number, line in enumerate(lines) if number not in hidden],
        lambda on, _: msgspec.json.encode({"$begin": {**stated, "on": on}}),
        end=lambda _: b'{"$end": true}',
        empty=False,
    )


def _stated(hidden: Sequence[str]) -> dict[str, str]:
    """Returns what the client states of itself: other hidden messages hold files of the project, which may state
    anything."""
    facts = {"folder": _folder_in(hidden)}
    for name, (begin, pattern) in _STATED.items():
        if found := pattern.search(_first(hidden, begin)):
            facts[name] = found[1]
    return facts


def _folder_in(hidden: Sequence[str]) -> str:
    """Returns the folder that the client states; empty if it states none. 0.33 has it in its first message, among texts
    of the project."""
    alone = next(filter(None, map(_OWN_FOLDER.fullmatch, hidden)), None)
    return alone[1] if alone is not None else stated_folder(_ANY_FOLDER, _first(hidden, _SAYS_ALL)) or ""


def _first(hidden: Sequence[str], begin: str) -> str:
    return next((text for text in hidden if text.startswith(begin)), "")


def _parse(source: Source, context: _Context, record: Record) -> tuple[_Context, Parsed]:
    version = context.facts.agent_version
    message = rawjson.read(_MESSAGE, record.data)
    if isinstance(message, str):
        return context, Parsed(skipped=(rawjson.skipped(None, message, version),))
    at_ms = local_ms(text_of(message.get("timestamp"))) or context.last_ms
    # A fork repeats messages with their times, which are exact to the microsecond.
    content = digest(bytes(message.get("content", rawjson.ABSENT)))
    recorder = _Recorder(
        context=context,
        session=source.session or "?",
        prefix=f"{text_of(message.get('timestamp'))}/{content}/",
        data=message,
        at_ms=at_ms,
        version=version,
    )
    role = text_of(message.get("role"))
    text = rawjson.string_of(message.get("content"))
    if "$begin" in message:
        recorder.begin(fields_of(message["$begin"]))
    elif "$end" in message:
        recorder.end()
    elif text is None or role not in _ROLES:
        recorder.skip(role or "message", "unknown message")
    else:
        _ROLES[role](recorder, text)
        recorder.change(last_ms=at_ms)
    if said_in(recorder):
        said = dict.fromkeys((*recorder.context.said, *said_in(recorder)))
        gone = tuple(key for key in recorder.context.gone if key not in said_in(recorder))
        recorder.change(said=tuple(said)[-_MOST_SAID:], gone=gone)
    if recorder.events:
        recorder.put_news_first(recorder.session, recorder.cwd)
    return recorder.context, recorder.built()


class _Recorder(OneSession[_Context], kw_only=True):
    def begin(self, given: Fields) -> None:
        """Handles the beginning of the messages: all of them come again if the conversation was rewritten."""
        if not is_true(given.get("on")):
            said = self.context.said
            self.context = _Context(cwd=usable_folder(text_of(given.get("folder"))), said=said, gone=said)
        self.learn(**{name: text_of(given.get(name)) for name in ("agent_version", "branch")})

    def end(self) -> None:
        """Takes back what was undone. Files stay changed then."""
        gone = self.context.gone
        if gone and self.at_ms:
            keys = tuple(key.decode("utf-8", "replace") for key in gone)
            self.prefix = ""
            self.add(Retracted(keys=keys), f"undone/{digest(' '.join(keys))}")
            self.change(said=tuple(key for key in self.context.said if key not in gone), gone=())

    def prompt(self, text: str) -> None:
        """Handles a prompt: what was called before is not answered any more."""
        self.change(calls=())
        asks_summary = _CHECKPOINT in fields_of(self.data.get("metadata"))
        by_client = asks_summary or text.startswith(_CLIENTS) or self.session.startswith("subagent-")
        add_prompt(self, "prompt", _typed(text), actor="model" if by_client else "human")

    def answer(self, text: str) -> None:
        """Handles an answer, with the calls in its text."""
        if self.context.summary_next:
            # What it replaces was not undone.
            self.change(summary_next=False, gone=())
            self.add(AgentSummary(text=text, source="compaction"), "summary")
            return
        self.learn(model=text_of(fields_of(self.data.get("metadata")).get("model")))
        stopped = text.rstrip().endswith(_STOPPED)
        said, calls = _calls_in(text.rstrip().removesuffix(_STOPPED), self.cwd)
        add_answer(self, "text", said, final=None if stopped else not calls, aborted=stopped)
        self.change(calls=())
        for number, call in enumerate(calls):
            named = msgspec.structs.replace(call, id=call.id or f"{self.at_ms}/{number}")
            self.begin_call(named, f"call{number}")
        if stopped:
            self.add(TurnEnd(reason="interrupted"), "end")

    def notice(self, text: str) -> None:
        """Handles a message of gptme itself: the result of a call, an error, or a notice to the user."""
        metadata = fields_of(self.data.get("metadata"))
        # The model is asked again only when all results are in, so until then such a text may be a page's.
        is_tools = bool(self.context.calls) and self.context.calls[0].op not in CLIENT_WORDED
        if text_of(metadata.get("compaction_artifact")) == "intro":
            self.change(summary_next=True)
        elif (failed := _FAILED.match(text)) and ("error_class" in metadata or not is_tools):
            limited = text_of(metadata.get("error_class")) == "rate_limit" or names_limit(text)
            add_failure(self, "end", text[failed.end() :], limited=limited)
        elif self.context.calls and not is_true(self.data.get("ui_only")) and not text.startswith(_NOTICES):
            self._result(text)
        if text == _INTERRUPTED and not is_tools:
            self.add(TurnEnd(reason="interrupted"), "end")

    def _result(self, text: str) -> None:
        """Ends the call with the message's id; without one the oldest that is open: results come in the order of the
        calls."""
        ident = text_of(self.data.get("call_id")) or self.context.calls[0].id
        if known_call(self.context.calls, ident) is None:
            return
        call = self.take_call(ident)
        outcome = _outcome(call, text)
        self.end_call(call, outcome, changes=tuple(_made(call, text, self.cwd)))
        if call.op == "plan" and (todos := _todos_after(self.context.todos, text)) != self.context.todos:
            self.change(todos=todos)
            self.add(PlanUpdate(items=tuple(todos.values())), "plan")


_ROLES: Final = {"user": _Recorder.prompt, "assistant": _Recorder.answer, "system": _Recorder.notice}


def _typed(text: str) -> str:
    """Returns a prompt without what gptme adds at its end: the contents of its pipe and of the files that it names."""
    if not text.rstrip().endswith("```"):
        return text.strip()  # the user's own block, with words below it
    blocks = ((number, found.start(), found["path"]) for number, found in enumerate(_INCLUDED.finditer(text)))
    added = (
        start
        for number, start, path in blocks
        if path == "stdin" or number == _MOST_BLOCKS or text.find(path, 0, start) >= 0
    )
    return text[: next(added, len(text))].strip()


def _calls_in(text: str, cwd: str | None) -> tuple[str, list[OpenCall]]:
    """Returns what an answer says beside its calls, and the calls; those in fences have no id."""
    said = ""
    calls: list[OpenCall] = []
    at = 0
    for start, end, ident, tool, given in sorted([*_native(text), *_fenced(text)], key=lambda found: found[0]):
        if start < at:  # inside the call before
            continue
        said += text[at:start]
        at = end
        if tool != _FINISHED:
            calls.append(TOOLS.call(ident, tool, with_place(fields_of(json.dumps(given)), cwd), cwd))
    return f"{said}{text[at:]}".strip(), calls


def _outcome(call: OpenCall, text: str) -> ToolOutcome:
    """Returns how a call ended, by the message that follows it."""
    printed = "\n".join(found[1] or found[2] or "" for found in _OUTPUT.finditer(text))
    if text == _INTERRUPTED or text.startswith("Command interrupted"):
        return ToolOutcome("interrupted", printed)
    if text == _DECLINED:
        return refused(text, by_client=call.op in CLIENT_WORDED, by_user=True)
    if call.op == "shell" and text.startswith(("Ran command:", "Ran allowlisted command:")):
        returned = _RETURNED.search(_OUTPUT.sub("", text))
        code = int(returned[1]) if returned is not None else 0
        return ToolOutcome("error" if code else "ok", printed, exit_code=code)
    failed = not _DONE.search(text) if call.op in ("edit", "write") else text.startswith("Error")
    return ToolOutcome("error" if failed or call.op == "shell" else "ok", text)


def _made(call: OpenCall, text: str, cwd: str | None) -> Iterator[FileEdit]:
    """Yields what a call that succeeded changed. gptme names the file that it patched by its whole path, after 0.35.1
    from the home folder."""
    done = _DONE.search(text)
    place = from_home(done[1], cwd) if done is not None else ""
    named = place if place.startswith("/") else None
    for change in call.changes:
        kind = "add" if call.op == "write" and "(overwritten)" not in text else change.change
        yield msgspec.structs.replace(change, path=named or change.path, change=kind)


def _todos_after(todos: Mapping[str, PlanItem], text: str) -> dict[str, PlanItem]:
    """Returns the todo list, by id, after the changes that the tool reports, one per line."""
    known = dict(todos)
    for line in text.split("\n"):
        if line.startswith("Cleared"):
            known = {ident: item for ident, item in known.items() if "completed" in line and item.state != "done"}
        if (found := _TODO.fullmatch(line)) is None:
            continue
        verb, ident, what, said = found.groups()
        said = bounded(said, SHORT_CHARS)
        before = known.get(ident, PlanItem(text=said))
        if verb == "Removed":
            known.pop(ident, None)
        elif what == "state":
            known[ident] = PlanItem(text=before.text, state=PLAN_STATES.get(said, "pending"))
        else:
            known[ident] = PlanItem(text=said, state=before.state)
    return dict([*known.items()][-MOST_TODOS:])


def _native(text: str) -> Iterator[tuple[int, int, str, str, Any]]:
    """Yields the start and end of each call, its id, the tool, and the arguments."""
    for found in _NATIVE.finditer(text):
        with suppress(ValueError, RecursionError):
            given, end = json.JSONDecoder().raw_decode(text, found.end())
            yield found.start(), end, found[2], found[1], given


def _fenced(text: str) -> Iterator[tuple[int, int, str, str, Any]]:
    """Yields the same of outermost blocks. A fence with a word opens one, inside another too; a bare one closes one."""
    opened: list[re.Match[str]] = []
    for fence in _FENCE.finditer(text):
        if fence[1] or not opened:
            opened.append(fence)
            continue
        first = opened.pop()
        if not opened and TOOLS.known(first[1]):
            code = text[first.end() + 1 : max(first.end() + 1, fence.start() - 1)]
            given = {"path": first[2].strip(), _CODE.get(first[1], "command"): code}
            yield first.start(), fence.end(), "", first[1], given


def _exported(path: Path, head: bytes) -> Source | None:
    session = session_of_copy(path.stem, head) if _HEAD.match(head) else None
    return Source(agent=SPEC.id, path=str(path), session=session) if session is not None else None


AGENT: Final = Agent(
    spec=SPEC,
    reader=SnapshotReader(_conversation_in),
    context_type=_Context,
    layouts=_LAYOUTS,
    parse=_parse,
    exported=_exported,
)
