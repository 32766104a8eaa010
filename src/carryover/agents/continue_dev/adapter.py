"""Continue: an agent in the terminal and in editors. A session is one JSON document; FACTS.md has what it looks like.

No item has an id or a time. An item's key is made of the texts and calls up to it, so a history that was cut and
continued shares the keys of what it kept, and a result that comes later changes no key. Hooks are never run (1.5.47).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Agent, FileStat, Parsed, Record, Source, ToolOutcome
from carryover.agents.continue_dev.spec import SPEC
from carryover.model import (
    AgentSummary,
    Answer,
    AnyBody,
    AssistantMessage,
    PlanItem,
    PlanUpdate,
    Question,
    SessionInfo,
    UserPrompt,
)
from carryover.records import rawjson
from carryover.records.changes import Change, as_edit, hunks_in, patched, planned
from carryover.records.fields import LATEST_MS, MAX_PATH_CHARS, SHORT_CHARS, bounded, digest, resolved
from carryover.records.lenient import Fields, fields_of, first_text, inside, items_of, text_of
from carryover.records.rawjson import ABSENT
from carryover.records.text import HANDOFF_HEAD, without_ansi
from carryover.records.uris import path_of
from carryover.text.pattern import later
from carryover.transcript.files import read_document
from carryover.transcript.layouts import Layout, source_at, sources_below
from carryover.transcript.recorder import OpenCall, Recorder, Tools, reemitted_after, usable_folder, usable_name
from carryover.transcript.rewritten import OnlyConversation, SnapshotReader, not_whole

_UUID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_LAYOUTS: Final = (Layout(globs=("*.json",), pattern=rf"(?P<session>{_UUID})\.json"),)
_HEAD: Final = later(rf'\s*\{{\s*"sessionId":\s*"({_UUID})"'.encode())
_FOLDER: Final = later(rb'"workspaceDirectory":\s*"')
_HEAD_BYTES: Final = 8192


TOOLS: Final = Tools(
    {
        "shell": "Bash run_terminal_command",
        "read": "Read read_file read_file_range read_currently_open_file",
        "edit": "Edit MultiEdit edit_existing_file single_find_and_replace multi_edit",
        "write": "Write create_new_file",
        "search": "List Search ls grep_search file_glob_search",
        "web": "Fetch fetch_url_content search_web",
        "plan": "Checklist",
        "ask": "AskQuestion",
        "agent": "Subagent",
    },
    about=("filepath", "file_path", "dirpath", "pattern", "query", "url", "description", "question", "name"),
)
"""The client's tools (seen: 1.5.47) and, in lower case, those of the extensions (documents)."""
_STATUSES: Final = ("generating", "generated", "calling", "done", "errored", "canceled")
_FAILED: Final = later(r"Error executing tool \w+: (?:Error \(exit code (\d{1,9})\): )?")
_NEVER_RAN: Final = later(r"You must use the \w+ tool to read ")
_DENIED: Final = "Permission denied by user"
_STDERR: Final = "\nStderr: "
_TYPED: Final = "shell-"
_STEP: Final = later(r"\s*[-*] \[([ xX])\] (.+)")
_MAX_STEPS: Final = 200
_ANSWERED: Final = later(r'User (?:selected option \d+|provided custom answer|answered): "(.*)"\s*', re.S)
_UNTITLED: Final = "Untitled Session"
_RESUMED: Final = "continue"
"""The prompt that the client adds itself when it made a summary in mid-turn (code, 1.5.47)."""
_QUIET: Final = ("system", "thinking", "tool")
"""Roles with nothing for a handoff. Results are in the item of their calls; `thinking` and `tool` are of extensions."""
_SUMMARY: Final = "conversationSummary"


class Begin(msgspec.Struct, frozen=True, omit_defaults=True):
    """The session whose items follow.

    `on`: they follow those read before; `more`: another batch follows; `summary`: key of the summary that the history
    begins with, in place of all that it held before.
    """

    session: str
    on: bool = False
    more: bool = False
    summary: str = ""


class Piece(msgspec.Struct, frozen=True, omit_defaults=True):
    """An item of the history, or the title. `key` is made of the texts and calls up to it; `at_ms`: the file's time."""

    key: str
    at_ms: int
    cwd: str | None = None
    item: msgspec.Raw = ABSENT
    title: str | None = None
    model: str | None = None
    after_summary: bool = False


class Line(msgspec.Struct, frozen=True):
    """A record of the reader: one of both."""

    begin: Begin | None = None
    piece: Piece | None = None


class Context(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of one session between two records. Keys are bytes, since text might be taken for a secret."""

    session: str | None = None
    last: bytes | None = None
    """Key of the last event."""
    summary: bytes = b""
    """Key of the summary that the history begins with."""
    before: bytes | None = None
    """Key of the last event before that summary."""


_LINE: Final = msgspec.json.Decoder(Line)


class _Called(msgspec.Struct, frozen=True):
    """A tool call as it is now: its arguments, status and output."""

    call: OpenCall
    given: Fields
    status: str
    output: str
    cwd: str | None


def _called(state: Fields, cwd: str | None) -> _Called | None:
    """Returns a tool call of an answer; None without a usable id or name."""
    asked = fields_of(state.get("toolCall"))
    function = fields_of(asked.get("function"))
    call_id = usable_name(text_of(state.get("toolCallId")) or text_of(asked.get("id")))
    name = usable_name(text_of(function.get("name")))
    if call_id is None or name is None:
        return None
    given = fields_of(state.get("parsedArgs")) or fields_of(text_of(function.get("arguments")).encode())
    printed = (text_of(fields_of(raw).get("content")) for raw in items_of(state.get("output")))
    output = without_ansi("\n".join(filter(None, printed)))
    call = TOOLS.call(call_id, name, given, cwd)
    if call_id.startswith(_TYPED):
        call = msgspec.structs.replace(call, actor="human")
    return _Called(call, given, text_of(state.get("status")), output, cwd)


def _events_of(found: _Called) -> Iterator[tuple[str, AnyBody]]:
    """Yields a call, how it ended if it has, and what it did, each with the end of its event's key."""
    yield "call", found.call.as_event()
    question = text_of(found.given.get("question"))
    if found.call.op == "ask" and question:
        options = tuple(filter(None, map(text_of, items_of(found.given.get("options")))))
        yield "question", Question(call_id=found.call.id, text=question, options=options)
    outcome = _outcome(found)
    if outcome is None:
        return
    yield "result", found.call.ended(outcome)
    if outcome.status != "ok":
        return
    if found.call.op == "ask" and (answer := _ANSWERED.fullmatch(found.output)):
        yield "answer", Answer(call_id=found.call.id, question=question, text=answer[1])
    if found.call.op == "plan":
        yield "plan", PlanUpdate(items=_steps(text_of(found.given.get("checklist"))))
    for number, change in enumerate(_changes(found)):
        yield f"edit{number}", as_edit(change, found.call.id)


def _outcome(found: _Called) -> ToolOutcome | None:
    """Returns how a call ended; None if it has not. A killed client leaves a call as it was."""
    text = found.output
    if found.status == "done":
        return ToolOutcome("ok", text.replace(_STDERR, "\n", 1) if found.call.op == "shell" else text)
    if found.status == "canceled":
        return ToolOutcome("denied" if text == _DENIED else "interrupted", text)
    if found.status != "errored":
        return None
    begins = _FAILED.match(text)
    exit_code = int(begins[1]) if begins is not None and begins[1] else None
    return ToolOutcome(
        "error", _FAILED.sub("", text, count=1), exit_code=exit_code, never_ran=_NEVER_RAN.match(text) is not None
    )


def _changes(found: _Called) -> tuple[Change, ...]:
    """Returns what a call changed. The result of an edit holds the diff."""
    if found.call.op == "shell":
        return found.call.changes
    path = path_of(first_text(found.given, "filepath", "file_path"))
    if found.call.op not in ("edit", "write") or not path:
        return ()
    place = resolved(path, found.cwd)
    if place is None or len(place) > MAX_PATH_CHARS:
        return ()
    given = found.given
    if "contents" in given:
        given = {**given, "content": given.get("contents", rawjson.ABSENT)}
    hunks = hunks_in(found.output) if found.call.op == "edit" else []
    return (patched(Change(path=place, change="modify"), hunks) if hunks else planned(place, given),)


def _steps(checklist: str) -> tuple[PlanItem, ...]:
    found = [step for line in checklist.splitlines()[:_MAX_STEPS] if (step := _STEP.fullmatch(line)) is not None]
    return tuple(
        PlanItem(text=bounded(step[2].strip(), SHORT_CHARS), state="pending" if step[1] == " " else "done")
        for step in found
    )


def _session_in(path: Path, stat: FileStat) -> _Session:
    """Takes the snapshot of a session."""
    document = fields_of(read_document(path))
    if not text_of(document.get("sessionId")) or "history" not in document:
        raise not_whole(path, stat, "not a session")
    return _Session(document, stat.mtime_ns // 1_000_000)


class _Session(OnlyConversation):
    """A session. Its pieces are what is known of it as a whole, and the items of its history."""

    ident = "session"

    def __init__(self, document: Fields, at_ms: int) -> None:
        self._session = text_of(document.get("sessionId"))
        items = items_of(document.get("history"))
        summarised = [_is_summary(item) for item in items]
        keys = [*accumulate(map(_identity, items), _chained, initial=digest(self._session))][1:]
        self._summary = keys[0] if summarised[:1] == [True] else ""
        cwd = usable_folder(path_of(text_of(document.get("workspaceDirectory"))))
        head = Piece(
            key=f"{self._summary}info",
            at_ms=at_ms,
            cwd=cwd,
            title=text_of(document.get("title")),
            model=next(filter(None, map(_model, reversed(items))), None),
        )
        after = [False, *summarised]
        pieces = [
            Piece(key=key, at_ms=at_ms, cwd=cwd, item=item, after_summary=follows)
            for key, item, follows in zip(keys, items, after, strict=False)
        ]
        self._pieces = [head, *pieces] if pieces else []
        self.pieces = [(piece.key, _mark(piece)) for piece in self._pieces]

    def begin(self, *, on: bool, more: bool) -> bytes | None:
        begin = Begin(session=self._session, on=on, more=more, summary=self._summary)
        return msgspec.json.encode({"begin": begin})

    def piece(self, number: int) -> bytes | None:
        return msgspec.json.encode({"piece": self._pieces[number]})


def _mark(piece: Piece) -> str:
    return digest(msgspec.json.encode(msgspec.structs.replace(piece, at_ms=0)))


def _is_summary(item: msgspec.Raw) -> bool:
    """Whether an item is a summary in place of what came before, and not only a note beside a message (extensions)."""
    summary = text_of(fields_of(item).get(_SUMMARY))
    return bool(summary) and summary == rawjson.text_of(inside(item, "message", "content"))


def _identity(item: msgspec.Raw) -> str:
    """Returns what of an item never changes: its role, its text, and the ids of its calls."""
    message = fields_of(fields_of(item).get("message"))
    text = rawjson.text_of(message.get("content", rawjson.ABSENT)) or ""
    calls = [text_of(fields_of(call).get("id")) for call in items_of(message.get("toolCalls"))]
    return "\n".join((text_of(message.get("role")), *calls, text))


def _chained(before: str, identity: str) -> str:
    return digest(f"{before} {identity}")


def _model(item: msgspec.Raw) -> str:
    return text_of(inside(item, "message", "usage", "model"))


@dataclass(slots=True, kw_only=True)
class _Recorder(Recorder[Context]):
    """Records one item."""

    session: str
    piece: Piece
    item: Fields
    message: Fields

    def add(self, body: AnyBody, part: str) -> None:
        """Adds an event for a part of the item."""
        self.append(f"{self.session}/{self.piece.key}:{part}", body, session=self.session, cwd=self.piece.cwd)

    @property
    def text(self) -> str:
        """The text of the message."""
        return rawjson.text_of(self.message.get("content", rawjson.ABSENT)) or ""


def parse(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    """Parses one record of the reader. Never raises: what is not understood is counted in `skipped`."""
    line = rawjson.read(_LINE, record.data)
    if isinstance(line, str):
        return context, Parsed(skipped=(rawjson.skipped(None, line, None),))
    if line.begin is not None:
        return _begun(context, line.begin)
    if line.piece is None:
        return context, Parsed(skipped=(rawjson.skipped("record", "unknown record", None),))
    session = context.session or source.session or source.path
    item = fields_of(line.piece.item)
    recorder = _Recorder(
        context=context,
        session=session,
        piece=line.piece,
        item=item,
        message=fields_of(item.get("message")),
        at_ms=min(max(line.piece.at_ms, 1), LATEST_MS),
    )
    _piece(recorder)
    if recorder.events:
        recorder.change(last=recorder.last_key)
    return recorder.context, recorder.built()


def _begun(context: Context, begin: Begin) -> tuple[Context, Parsed]:
    """Marks what is emitted again: all events since the summary that the history begins with, or those to come.

    What was said before that summary stays, though the document no longer holds it.
    """
    session = usable_name(begin.session)
    if not begin.on:
        summary = begin.summary.encode()
        before = context.before if summary == context.summary else context.last
        before = before if summary else None
        context = Context(session=session, last=before, before=before, summary=summary)
    if session is None or (begin.summary and context.last is None):
        return context, Parsed()
    return context, Parsed(reemitted=reemitted_after(context.last, session=session, more=begin.more))


def _piece(recorder: _Recorder) -> None:
    if recorder.piece.title is not None:
        _info(recorder)
        return
    role = text_of(recorder.message.get("role"))
    if (handle := _ROLES.get(role)) is not None:
        handle(recorder)
    elif role not in _QUIET:
        recorder.skip(f"history/{role}", "unknown role")


def _info(recorder: _Recorder) -> None:
    title = recorder.piece.title if recorder.piece.title != _UNTITLED else None
    named = bounded(title, SHORT_CHARS) if title else None
    recorder.add(SessionInfo(title=named, model=usable_name(recorder.piece.model)), "info")


def _prompt(recorder: _Recorder) -> None:
    if "content" not in recorder.message or rawjson.text_of(recorder.message["content"]) is None:
        recorder.skip("history/user", "unexpected content")
        return
    text = recorder.text.strip()
    if text.startswith(HANDOFF_HEAD):
        return
    parts = map(fields_of, items_of(recorder.message["content"]))
    attachments = sum("imageUrl" in part for part in parts)
    own = recorder.piece.after_summary and text == _RESUMED
    if text or attachments:
        recorder.add(UserPrompt(text=text, actor="model" if own else "human", attachments=attachments), "prompt")


def _answer(recorder: _Recorder) -> None:
    summary = text_of(recorder.item.get("conversationSummary"))
    if summary:
        recorder.add(AgentSummary(text=summary, source="compaction"), "summary")
    calls = [fields_of(raw) for raw in items_of(recorder.item.get("toolCallStates"))]
    text = recorder.text
    if text.strip() and text != summary:
        recorder.add(AssistantMessage(text=text, final=not calls), "text")
    for number, state in enumerate(calls):
        found = _called(state, recorder.piece.cwd)
        if found is None:
            recorder.skip("history/toolCallStates", "no usable id or name")
            continue
        if found.status not in _STATUSES:
            recorder.skip("history/toolCallStates", "unknown status")
        for part, body in _events_of(found):
            recorder.add(body, f"call{number}:{part}")


_ROLES: Final[dict[str, Callable[[_Recorder], None]]] = {"user": _prompt, "assistant": _answer}


def _exported(path: Path, head: bytes) -> Source | None:
    """Returns the session in a file anywhere on disk, recognised by its beginning."""
    found = _HEAD.match(head)
    if found is None or _FOLDER.search(head, 0, _HEAD_BYTES) is None:
        return None
    return Source(agent=SPEC.id, path=str(path), session=found[1].decode())


AGENT: Final = Agent(
    spec=SPEC,
    reader=SnapshotReader(_session_in),
    context_type=Context,
    source_of=partial(source_at, SPEC.id, _LAYOUTS),
    sources=partial(sources_below, SPEC.id, _LAYOUTS),
    parse=parse,
    exported=_exported,
)
