"""Continue: an agent in the terminal and in editors. A session is one JSON document; FACTS.md has what it looks like.

No item has an id or a time. An item's key is made of the texts and calls up to it, so a history that was cut and
continued shares the keys of what it kept, and a result that comes later changes no key. Hooks are never run (1.5.47).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Agent, FileStat, Parsed, Source, ToolOutcome
from carryover.adapter.layouts import Layout
from carryover.agents.continue_dev import SPEC
from carryover.model import Answer, Op, PlanUpdate, Question, SessionInfo, TurnEnd
from carryover.records import rawjson
from carryover.records.asked import checklist
from carryover.records.changes import as_shown
from carryover.records.fields import LATEST_MS, SHORT_CHARS, bounded, digest
from carryover.records.lenient import Fields, fields_of, inside, items_of, text_of
from carryover.records.patches import by_arguments
from carryover.records.rawjson import ABSENT
from carryover.records.text import HANDOFF_HEAD, without_ansi
from carryover.records.uris import path_in, path_of
from carryover.text.pasted import as_pasted
from carryover.text.pattern import later
from carryover.transcript.files import read_document
from carryover.transcript.recorder import Tools, fit_key, usable_folder, usable_name
from carryover.transcript.refusals import Endings
from carryover.transcript.rewritten import Document, SnapshotReader, not_whole
from carryover.transcript.stored import StoredBuilder, StoredContext, StoredFacts, StoredRecord, parse_stored
from carryover.transcript.turns import add_answer, add_prompt, add_summary, dispatch

_UUID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_LAYOUTS: Final = (Layout(globs=("*.json",), pattern=rf"(?P<session>{_UUID})\.json"),)
_HEAD: Final = later(rf'\s*\{{\s*"sessionId":\s*"({_UUID})"'.encode())
_FOLDER: Final = later(rb'"workspaceDirectory":\s*"')
_HEAD_BEFORE: Final = later(rb'\s*\{\s*"history":\s*\[\s*\{\s*"message":\s*\{(?s:.*?)"contextItems":\s*\[')
"""In 2024 the history came first, and the id behind it."""
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
    about=("filepath", "file_path", "dirpath", "dirPath", "pattern", "query", "url", "description", "question", "name"),
    changes=by_arguments,
)
"""The client's tools (seen: 1.5.47) and, in lower case, those of the extensions (documents)."""
_ENDINGS: Final = Endings(
    exited=later(r"\AError executing tool \w+: (?:Error \(exit code (\d{1,10})\): )?"),
    never_ran=later(r"You must use the \w+ tool to read "),
)
_EXITED: Final = later(r"Command failed with exit code (\d{1,10})")
"""The state of an output in the extensions, where a command that failed is `done` all the same."""
_STATUSES: Final = ("generating", "generated", "calling", "done", "errored", "canceled")
_DENIED: Final = "Permission denied by user"
_STDERR: Final = "\nStderr: "
_TYPED: Final = "shell-"
_ANSWERED: Final = later(r'User (?:selected option \d+|provided custom answer|answered): "(.*)"\s*', re.S)
_UNTITLED: Final = "Untitled Session"
_RESUMED: Final = "continue"
"""The prompt that the client adds itself when it made a summary in mid-turn (code, 1.5.47)."""
_SELECTED: Final = later(r"^```\w* (\S[^\n`]{0,300} \(\d+-\d+\))\n((?:(?!```)[^\n]*\n)*)```[ \t]*$", re.M)
"""Code that the user selected in an editor, below its file and its lines (VS Code, December 2024)."""
_SUMMARY: Final = "conversationSummary"


class _Piece(msgspec.Struct, frozen=True, omit_defaults=True):
    """An item of the history, or the title. `key` is made of the texts and calls up to it."""

    key: str
    remote: str | None = None
    """The folder that it works in, on another machine or in a container."""
    item: msgspec.Raw = ABSENT
    title: str | None = None
    model: str | None = None
    after_summary: bool = False


class _Record(StoredRecord, frozen=True, omit_defaults=True):
    """A record of a piece, with the file's time, or of the beginning. `summary`: the key of the summary that replaces
    the earlier history; empty if there is none."""

    piece: _Piece | None = None
    summary: str = ""


class _Context(StoredContext, frozen=True, omit_defaults=True):
    """The state of one session between two records. Keys are bytes, since text might be taken for a secret."""

    summary: bytes = b""
    """Key of the summary that the history begins with."""
    before: bytes | None = None
    """Key of the last event before that summary."""


_RECORD: Final = msgspec.json.Decoder(_Record)


def _outcome(op: Op, status: str, output: str) -> ToolOutcome | None:
    """Returns how a call ended; None if it has not. A killed client leaves a call as it was."""
    match status:
        case "done":
            return ToolOutcome("ok", output.replace(_STDERR, "\n", 1) if op == "shell" else output)
        case "canceled":
            return ToolOutcome("denied" if output == _DENIED else "interrupted", output)
        case "errored":
            return _ENDINGS.outcome(op, output, failed=True)
    return None


def _session_in(path: Path, stat: FileStat) -> Document:
    """Takes the snapshot of a session."""
    document = fields_of(read_document(path))
    if not text_of(document.get("sessionId")) or "history" not in document:
        raise not_whole(path, stat, "not a session")
    return _session(document, stat.mtime_ns // 1_000_000)


def _session(document: Fields, at_ms: int) -> Document:
    """Returns a session. Its pieces are what is known of it as a whole, and the items of its history."""
    session = text_of(document.get("sessionId"))
    items = items_of(document.get("history"))
    summarised = [_is_summary(item) for item in items]
    keys = [*accumulate(map(_identity, items), _chained, initial=digest(session))][1:]
    summary = keys[0] if summarised[:1] == [True] else ""
    folder = text_of(document.get("workspaceDirectory"))
    cwd = usable_folder(path_of(folder))
    remote = usable_folder(path_in(folder)) if cwd is None else None
    model = next(filter(None, map(_model, reversed(items))), None)
    title = text_of(document.get("title"))
    pieces = [_Piece(key=f"{summary}info", title=title, model=model)] if items else []
    pieces += [
        _Piece(key=key, remote=remote, item=item, after_summary=follows)
        for key, item, follows in zip(keys, items, [False, *summarised], strict=False)
    ]
    facts = StoredFacts(session, directory=cwd)
    return Document(
        f"session {cwd}",
        [msgspec.json.encode(_Record("message", facts, at_ms=at_ms, piece=piece)) for piece in pieces],
        lambda on, more: msgspec.json.encode(_Record("begin", facts, on=on, more=more, summary=summary)),
        pieces=[(piece.key, digest(msgspec.json.encode(piece))) for piece in pieces],
        empty=False,
    )


def _is_summary(item: msgspec.Raw) -> bool:
    """Whether an item is a summary in place of what came before, and not only a note beside a message (extensions)."""
    summary = text_of(fields_of(item).get(_SUMMARY))
    return bool(summary) and summary == rawjson.content_text(inside(item, "message", "content"))


def _identity(item: msgspec.Raw) -> str:
    """Returns what of an item never changes: its role, its text, and the ids of its calls."""
    message = fields_of(fields_of(item).get("message"))
    text = rawjson.content_text(message.get("content")) or ""
    calls = [text_of(fields_of(call).get("id")) for call in items_of(message.get("toolCalls"))]
    return "\n".join((text_of(message.get("role")), *calls, text))


def _chained(before: str, identity: str) -> str:
    return digest(f"{before} {identity}")


def _model(item: msgspec.Raw) -> str:
    return text_of(inside(item, "message", "usage", "model"))


class _Recorder(StoredBuilder, kw_only=True):
    context: _Context
    piece: _Piece = _Piece("")
    item: Fields = msgspec.field(default_factory=dict)

    @property
    def said(self) -> str:
        """The text of the message."""
        return rawjson.content_text(self.data.get("content")) or ""

    def begin(self, record: StoredRecord, after: bytes | None = None) -> tuple[StoredContext, Parsed]:
        """Marks what is emitted again: all events since the summary that the history begins with, or those to come.

        What was said before that summary stays, though the document no longer holds it.
        """
        summary = fit_key(record.summary).encode() if isinstance(record, _Record) else b""
        if not record.on:
            before = self.context.before if summary == self.context.summary else self.reported.last
            after = before if summary else None
            self.change(before=after, summary=summary)
        context, parsed = super().begin(record, after)
        return context, parsed if not summary or self.reported.last else Parsed()


def _piece(recorder: _Recorder, record: _Record) -> None:
    if record.piece is None:
        recorder.skip("record", "unknown record")
        return
    recorder.piece, recorder.item = record.piece, fields_of(record.piece.item)
    recorder.prefix = f"{recorder.session}/{record.piece.key}:"
    recorder.data = fields_of(recorder.item.get("message"))
    recorder.at_ms = min(max(record.at_ms, 1), LATEST_MS)
    if recorder.piece.title is not None:
        _info(recorder)
    else:
        dispatch(recorder, _ROLES, recorder.text("role"), what="role", within="history/")


def _info(recorder: _Recorder) -> None:
    title = recorder.piece.title if recorder.piece.title != _UNTITLED else None
    named = bounded(title, SHORT_CHARS) if title else None
    recorder.add(SessionInfo(title=named, model=usable_name(recorder.piece.model)), "info")


def _prompt(recorder: _Recorder) -> None:
    if "content" not in recorder.data or rawjson.content_text(recorder.data["content"]) is None:
        recorder.skip("history/user", "unexpected content")
        return
    text = recorder.said.strip()
    if text.startswith(HANDOFF_HEAD):
        return
    parts = map(fields_of, items_of(recorder.data["content"]))
    attachments = sum("imageUrl" in part for part in parts)
    text = _SELECTED.sub(lambda code: as_pasted(f"{code[1]}\n{code[2].rstrip()}"), text)
    own = recorder.piece.after_summary and text == _RESUMED
    add_prompt(recorder, "prompt", text, actor="model" if own else "human", attachments=attachments)


def _answer(recorder: _Recorder) -> None:
    summary = text_of(recorder.item.get("conversationSummary"))
    if summary:
        add_summary(recorder, "summary", summary)
    calls = [fields_of(raw) for raw in items_of(recorder.item.get("toolCallStates"))]
    if recorder.said != summary:
        add_answer(recorder, "text", recorder.said, final=not calls)
    for number, state in enumerate(calls):
        _call(recorder, f"call{number}", state)
    if calls and text_of(calls[-1].get("status")) == "canceled" and not items_of(calls[-1].get("output")):
        recorder.add(TurnEnd(reason="interrupted"), "end")


def _call(recorder: _Recorder, key: str, state: Fields) -> None:
    """Handles a call as it is now: how it ended and what it did, if it has ended."""
    asked = fields_of(state.get("toolCall"))
    function = fields_of(asked.get("function"))
    ident = text_of(state.get("toolCallId")) or text_of(asked.get("id"))
    name, status = text_of(function.get("name")), text_of(state.get("status"))
    if not recorder.identify("history/toolCallStates", ident, name):
        return
    if status not in _STATUSES:
        recorder.skip("history/toolCallStates", "unknown status")
    given = fields_of(state.get("parsedArgs")) or fields_of(text_of(function.get("arguments")))
    call = TOOLS.call(ident, name, given, recorder.cwd or recorder.piece.remote)
    call = msgspec.structs.replace(call, actor="human" if ident.startswith(_TYPED) else "model")
    recorder.add_call(call, f"{key}:call")
    question = text_of(given.get("question"))
    if call.op == "ask" and question:
        options = tuple(filter(None, map(text_of, items_of(given.get("options")))))
        recorder.add(Question(call_id=ident, text=question, options=options), f"{key}:question")
    outputs = [fields_of(raw) for raw in items_of(state.get("output"))]
    output = without_ansi("\n".join(filter(None, (text_of(each.get("content")) for each in outputs))))
    outcome = _outcome(call.op, status, output)
    if outcome is None:
        return
    exited = next(filter(None, (_EXITED.fullmatch(text_of(each.get("status"))) for each in outputs)), None)
    if exited is not None and call.op == "shell":
        outcome = ToolOutcome("error", output, exit_code=int(exited[1]))
    changes = as_shown(call.changes, output) if call.op == "edit" else None
    recorder.end_call(call, outcome, result=f"{key}:result", edit=f"{key}:edit", changes=changes)
    if call.op == "ask" and (answer := _ANSWERED.fullmatch(output)) and outcome.status == "ok":
        recorder.add(Answer(call_id=ident, question=question, text=answer[1]), f"{key}:answer")
    if call.op == "plan" and outcome.status == "ok":
        recorder.add(PlanUpdate(items=checklist(text_of(given.get("checklist")))), f"{key}:plan")


_ROLES: Final[dict[str, Callable[[_Recorder], None] | None]] = {
    "user": _prompt,
    "assistant": _answer,
    **dict.fromkeys(("system", "thinking", "tool")),
}
"""Results are in the item of their calls; `thinking` and `tool` are of extensions."""


def _exported(path: Path, head: bytes) -> Source | None:
    if _HEAD_BEFORE.match(head):
        return Source(agent=SPEC.id, path=str(path))
    found = _HEAD.match(head)
    if found is None or _FOLDER.search(head, 0, _HEAD_BYTES) is None:
        return None
    return Source(agent=SPEC.id, path=str(path), session=found[1].decode())


AGENT: Final = Agent(
    spec=SPEC,
    reader=SnapshotReader(_session_in),
    context_type=_Context,
    layouts=_LAYOUTS,
    parse=partial(parse_stored, _RECORD, _Recorder, _piece),
    exported=_exported,
)
