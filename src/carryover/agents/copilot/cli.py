"""The terminal client's sessions: the log of each, and the one document that was its form until October 2025.

`/rewind` replaces a log by one without the retracted turns (1.0.102). A log that is read from the start again is
therefore emitted again, and what is gone is retracted (`adapter.contract.Reemitted`). The reader announces that and the
session's title, which no line shows, in records of its own, numbered 0. A document is read as the records of a log.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from carryover import model
from carryover.adapter.contract import Batch, FileStat, Parsed, Record, Reemitted, Source
from carryover.agents.copilot import calls
from carryover.agents.copilot.calls import LogContext, LogRecorder
from carryover.records import rawjson
from carryover.records.fields import SHORT_CHARS, bounded, digest, utc_ms
from carryover.records.lenient import Fields, fields_of, first_text, is_true, items_of, number_of, numbers_in, text_of
from carryover.records.summary import Kinds
from carryover.text.pattern import later
from carryover.transcript.bounds import LOOK_BYTES
from carryover.transcript.files import read_beside, read_document, state_in
from carryover.transcript.jsonl import JsonlReader
from carryover.transcript.open_calls import known_call
from carryover.transcript.recorder import usable_folder, usable_name
from carryover.transcript.rewritten import Document, SnapshotReader, not_whole
from carryover.transcript.turns import add_answer, add_failure, add_prompt, add_summary

_NOTED: Final = 0
_AGAIN: Final = "$again"
_TITLE: Final = "$title"
"""Number and types of the records that the reader adds: a thread is read again from its start; the session's title."""
_MAX_THREADS: Final = 60
_WORKSPACE: Final = "workspace.yaml"
_WORKSPACE_BYTES: Final = 64 << 10
_BEGINS: Final = later(rb'\{[^{}]{0,200}"type"\s*:\s*"session\.start"')
_NAME: Final = later(rb"(?m)^name:(.*(?:\n(?:[ \t].*)?)*)")
_YAML_NULLS: Final = ("null", "~")
_SUB_AGENT: Final = later(rb'"agentId"\s*:\s*"([^"\\]{1,100})"')

_CANCELLED: Final = "Operation cancelled by user"
_FOLDER: Final = later(
    r"(?:Current working directory: |Changed working directory to: |Folder )(.+?)"
    r"(?: has been added to trusted folders\.)?"
)
"""What the client says of the folder it works in."""
_RATE_LIMITED: Final = '"code":"rate_limited"'
_ERRORS: Final = {"rejected": "rejected", "denied": "denied"}

_LIMITS: Final = ("rate_limit", "quota", "quota_exceeded", "session_limit", "weekly_limit")
"""`errorType` of a usage limit."""
_OF_CLIENT: Final = ("mcp", "model")
"""The `errorType` of an MCP server or a list of models that the client could not load. It ends no turn (1.0.59)."""
_OBJECTIVE: Final = "autopilot-objective"
"""The `source` of what was typed after `/autopilot`; the client's words are before it (1.0.102)."""
_QUIET: Final = tuple(
    "assistant.fusion_ assistant.reasoning assistant.turn_ assistant.usage external_tool.requested hook. "
    "mcp.oauth_recovery_completed model. permission.assent permission.carried "
    "permission.contextual permission.message permission.requested session.auto session.binary_asset session.canvas. "
    "session.compaction_start session.completion_receipt session.context_cleared session.fusion_ session.handoff "
    "session.info session.mode_ session.model_deselected session.permission session.plan_changed "
    "session.remote_steerable_changed session.request_body_ session.schedule_ session.session_limits_changed "
    "session.todos_changed session.truncation session.usage_ session.warning session.workspace_file_changed skill. "
    "subagent.configured subagent.deselected subagent.selected subagent.started system.message tool_search.".split()
)
"""Beginnings of types without content for us. Hook records repeat prompts and contain our own handoff."""
_SUMMARY_KINDS: Final[Kinds] = {
    **dict.fromkeys(("history", "technical_details", "important_files"), "other"),
    "overview": "request",
    "work_done": "current",
    "next_steps": "next",
}
"""The tags that a compaction asks for in the terminal (reported)."""
_COMMANDS: Final = {
    "Fleet deployed": "/fleet",
    "Researching": "/research",
    "Review": "/review",
    "Security Review": "/security-review",
}
_WITHOUT_WORDS: Final = ("", "my code changes", "analyzing for vulnerabilities")
_SHOWN: Final = later(rf"(?:GitHub [^\n]*\n\n)?({'|'.join(_COMMANDS)})(?:: (.*))?", re.DOTALL)
"""What the client shows in place of a command for which it writes the model's prompt: what the command does, then what
was typed or one of `_WITHOUT_WORDS` (1.0.102)."""
_NOW: Final = later(r"<current_datetime>[^<>]{1,40}</current_datetime>\Z")
"""What was put behind each prompt (December 2025)."""


class _Position(msgspec.Struct, frozen=True, array_like=True):
    """The cursor: the lines' own cursor, the title noted last, and the sub-agents seen."""

    lines: bytes = b""
    title: str = ""
    threads: tuple[str, ...] = ()


class LogReader(JsonlReader):
    """Reads a session's log; see `carryover.adapter.contract.Reader`."""

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """Reads the records after `cursor`; all of them, `LOOK_BYTES` at most, if the log was replaced.

        Raises as `JsonlReader.read` does.
        """
        before = state_in(cursor, _Position) or _Position()
        batch = super().read(path, None if cursor is None else before.lines)
        # A file with other content, or none yet, retracts nothing. Nor does one that is too large to be read at once.
        again = batch.restarted and bool(batch.records) and _BEGINS.match(batch.records[0].data) is not None
        again = again and self.stat(path).size <= LOOK_BYTES
        while again and batch.more:
            rest = super().read(path, batch.cursor)
            if rest.restarted:  # replaced once more
                return self.read(path, cursor)
            both = batch.oversized + rest.oversized
            batch = msgspec.structs.replace(rest, records=(*batch.records, *rest.records), oversized=both)
        named = (
            name.decode("utf-8", "replace") for record in batch.records for name in _SUB_AGENT.findall(record.data)
        )
        threads = tuple(dict.fromkeys((*before.threads, *named)))[-_MAX_THREADS:]
        title = _title_of(path)
        own: list[dict[str, Any]] = (
            [{"type": _AGAIN, "agentId": thread} for thread in (None, *threads)] if again else []
        )
        if title != ("" if batch.restarted else before.title):
            own.append({"type": _TITLE, "data": {"title": title}})
        noted = (Record(number=_NOTED, data=msgspec.json.encode(each)) for each in own)
        cursor = msgspec.msgpack.encode(_Position(lines=batch.cursor, title=title, threads=threads))
        return msgspec.structs.replace(batch, records=(*noted, *batch.records), cursor=cursor)

    def resumes_at(self, cursor: bytes) -> int:
        """See `JsonlReader.resumes_at`."""
        return super().resumes_at((state_in(cursor, _Position) or _Position()).lines)


def _title_of(log: Path) -> str:
    """Returns the session's title, `name` in workspace.yaml; empty without one, or if the file can't be read."""
    import yaml  # takes longer than most logs

    try:
        found = _NAME.search(read_beside(log.with_name(_WORKSPACE), limit=_WORKSPACE_BYTES))
        # Without types, since a prompt like `yes` or `2026-11-20` is a name too.
        name = yaml.load(found[1], yaml.BaseLoader) if found else ""
    except (ValueError, RecursionError, yaml.YAMLError):
        return ""
    return name if isinstance(name, str) and name not in _YAML_NULLS else ""


def document_reader() -> SnapshotReader:
    """Returns the reader of the document of one session (0.0.340): `sessionId`, `startTime`, `chatMessages`,
    `timeline`. Its records are numbered by their entries in the timeline.

    `timeline` is what the user saw, with times; `chatMessages` is what the model was sent, with the whole output of
    each call. The client rewrites the file with each entry. No field holds the working folder.
    """
    return SnapshotReader(_document, unpacked=_lines_in)


def _lines_in(record: Record) -> Iterator[Record]:
    piece = fields_of(record.data)
    number = number_of(piece["number"]) or _NOTED
    yield from (Record(number=number, data=bytes(line)) for line in items_of(piece["lines"]))


def _document(path: Path, stat: FileStat) -> Document:
    """Takes the snapshot of a document. Its pieces are what began the session and the entries of the timeline."""
    data = read_document(path).removeprefix(b"\xef\xbb\xbf").strip()
    document = fields_of(data)
    if "sessionId" not in document or "timeline" not in document:
        raise not_whole(path, stat, "not a session")
    printed = {
        text_of(message.get("tool_call_id")): text_of(message.get("content"))
        for message in map(fields_of, items_of(document.get("chatMessages")))
        if text_of(message.get("role")) == "tool"
    }
    entries = [fields_of(raw) for raw in items_of(document.get("timeline"))]
    shown = [entry for entry in entries if not is_true(entry.get("isStreaming"))]
    start = {"context": {"cwd": _folder_in(shown)}, "selectedModel": text_of(document.get("selectedModel"))}
    first = {"type": "session.start", "timestamp": text_of(document.get("startTime")), "data": start}
    lines = [[first], *([*_lines_of(entry, printed)] for entry in shown)]
    # The records of an entry are under its number; the beginning is the reader's own.
    pieces = [msgspec.json.encode({"number": number, "lines": each}) for number, each in enumerate(lines, 1)]
    again = msgspec.json.encode({"number": _NOTED, "lines": [{"type": _AGAIN}]})
    return Document("document", pieces, lambda on, _: None if on else again)


def _lines_of(entry: Fields, printed: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Yields an entry as records of a log. `printed`: the whole output of each call."""
    common = {"id": text_of(entry.get("id")), "timestamp": text_of(entry.get("timestamp"))}
    text = text_of(entry.get("text"))
    match text_of(entry.get("type")):
        case "user":
            yield {**common, "type": "user.message", "data": {"content": text}}
        case "copilot":
            yield {**common, "type": "assistant.message", "data": {"content": text}}
        case "error":
            limit = {"errorType": "rate_limit"} if _RATE_LIMITED in text else {}
            yield {**common, "type": "session.error", "data": {"message": text, **limit}}
        case "info" if text == _CANCELLED:
            yield {**common, "type": "abort", "data": {}}
        case "tool_call_requested" | "tool_call_completed" as kind:
            call = text_of(entry.get("callId"))
            about = {"toolCallId": call, "toolName": text_of(entry.get("name"))}
            given = {**about, "arguments": entry.get("arguments")}
            yield {**common, "type": "tool.execution_start", "data": given}
            if kind == "tool_call_completed":
                yield {
                    **common,
                    "type": "tool.execution_complete",
                    "data": {**about, **_ended(entry, printed.get(call))},
                }


def _ended(entry: Fields, printed: str | None) -> dict[str, Any]:
    result = fields_of(entry.get("result"))
    kind = text_of(result.get("type"))
    text = printed or text_of(result.get("log"))
    # A command that failed with an exit code has run.
    if kind == "success" or (kind == "failure" and calls.SHELL_ENDED.search(text)):
        return {"success": True, "result": {"content": text}}
    return {"success": False, "error": {"code": _ERRORS.get(kind, "failure"), "message": text}}


def _folder_in(entries: list[Fields]) -> str | None:
    """Returns the folder that the client names or else that of the first file which a call changes."""
    for entry in entries:
        said = _FOLDER.fullmatch(text_of(entry.get("text"))) if text_of(entry.get("type")) == "info" else None
        if said is not None and (folder := usable_folder(said[1])):
            return folder
    for entry in entries:
        given = fields_of(entry.get("arguments"))
        changes = calls.editor_command(text_of(entry.get("name")), given) in ("create", "edit")
        if changes and (path := usable_folder(first_text(given, "path"))):
            return str(Path(path).parent)
    return None


class _Line(msgspec.Struct, frozen=True, rename="camel"):
    """One record of a log: `{"type", "data", "id", "timestamp", "parentId", "agentId"?}` (1.0.48, 1.0.102).

    `agent_id`: the sub-agent it belongs to. Each field of the data is decoded separately.
    """

    type: str
    id: str | None = None
    timestamp: str | None = None
    agent_id: str | None = None
    data: msgspec.Raw = rawjson.ABSENT


_LINE: Final = msgspec.json.Decoder(_Line)


def parse_log(source: Source, context: LogContext, record: Record) -> tuple[LogContext, Parsed]:
    """Parses one record of a log. Never raises: what is not understood is counted in `skipped`."""
    session = source.own_session
    version = context.facts.agent_version
    line = rawjson.read_line(_LINE, record.data, version=version)
    if isinstance(line, model.Skipped):
        return context, Parsed(skipped=(line,))
    if record.number == _NOTED and line.type == _AGAIN:
        return context, Parsed(reemitted=Reemitted(session=session, subagent_id=line.agent_id))
    handle = _HANDLERS.get(line.type)
    if handle is None and line.type.startswith(_QUIET):
        return context, Parsed()
    at_ms = utc_ms(line.timestamp) or context.last_ms  # a record without a time gets that of the one before it
    recorder = LogRecorder(
        kind=line.type,
        data=fields_of(line.data),
        context=msgspec.structs.replace(context, last_ms=at_ms),
        session=calls.session_in(context, session),
        conversation=session,
        at_ms=at_ms,
        version=version,
        prefix=f"{usable_name(line.id) or f'{session}/{digest(record.data)}'}:",
        subagent_id=usable_name(line.agent_id),
    )
    if handle is not None:
        handle(recorder)
    else:
        recorder.skip(line.type, "unknown record type")
    return recorder.parsed()


def _title(recorder: LogRecorder) -> None:
    recorder.learn(title=bounded(recorder.text("title"), SHORT_CHARS))
    recorder.put_facts_first()


def _start(recorder: LogRecorder) -> None:
    recorder.move_to(fields_of(recorder.data.get("context")))
    recorder.learn(
        agent_version=recorder.text("copilotVersion"),
        model=recorder.text("selectedModel"),
        parent=recorder.text("detachedFromSpawningParentSessionId"),
    )
    recorder.change(compacted_ms=0, prompted=False)  # each start of the client gets the handoff anyway
    recorder.add(model.SessionStart(reason="resume" if recorder.kind == "session.resume" else "new"), "start")


def _model_change(recorder: LogRecorder) -> None:
    if recorder.subagent_id is None:
        recorder.learn(model=recorder.text("newModel"))


def _command_shown(text: str, sent: str) -> tuple[str | None, str]:
    """Returns the command that a prompt stands for, and what was typed after it. `sent`: the text that the model
    received, which a hook may have changed."""
    shown = _SHOWN.fullmatch(text) if sent and text not in sent else None
    words = "" if shown is None else shown[2] or ""
    if shown is None or not (words in sent or words in _WITHOUT_WORDS):
        return None, text
    return _COMMANDS[shown[1]], "" if words in _WITHOUT_WORDS else words


def _user(recorder: LogRecorder) -> None:
    # Its `transformedContent`, which holds what hooks and the client add too, only tells what was typed.
    if rawjson.string_of(recorder.data.get("content", rawjson.ABSENT)) is None:
        recorder.skip(recorder.kind, "unexpected shape")
        return
    text = _NOW.sub("", recorder.text("content").strip()).rstrip()
    attachments = len(items_of(recorder.data.get("attachments")))
    if recorder.subagent_id is not None:
        add_prompt(recorder, "prompt", text, actor="model")
        return
    # Others send messages too: agents, skills, commands, the client itself (1.0.102: `agent-<id>`).
    source = recorder.text("source")
    if source not in ("", "user", _OBJECTIVE) or is_true(recorder.data.get("isAutopilotContinuation")):
        return
    if (said := digest(text).encode()) in recorder.context.pushed:
        recorder.change(pushed=tuple(other for other in recorder.context.pushed if other != said))
        return
    recorder.change(prompted=True)
    command, words = _command_shown(text, recorder.text("transformedContent"))
    if source == _OBJECTIVE:
        command, words = "/autopilot", text.partition(": ")[2] or text
    add_prompt(recorder, "prompt", words, command=command, attachments=attachments)


def _hook(recorder: LogRecorder) -> None:
    """Notes why a hook, which may be the repository's, lets no turn end: the client sends that as the next prompt."""
    output = fields_of(recorder.data.get("output"))
    if recorder.text("hookType") == "agentStop" and text_of(output.get("decision")) == "block":
        said = digest(text_of(output.get("reason")).strip()).encode()
        recorder.remember("pushed", said)


def _assistant(recorder: LogRecorder) -> None:
    if recorder.subagent_id is None:
        recorder.learn(model=recorder.text("model"))
    is_final = not items_of(recorder.data.get("toolRequests"))
    add_answer(recorder, "text", recorder.text("content").strip(), final=is_final)


def _compaction(recorder: LogRecorder) -> None:
    if not is_true(recorder.data.get("success")):
        return
    if recorder.subagent_id is None:
        recorder.change(compacted_ms=recorder.at_ms, prompted=False)
    add_summary(recorder, "summary", recorder.text("summaryContent"), _SUMMARY_KINDS)


def _abort(recorder: LogRecorder) -> None:
    calls.end_open_calls(recorder)
    limited = recorder.text("reason") == "autopilot_credit_limit"  # the user's own for a run; reported, not recorded
    recorder.add(model.TurnEnd(reason="limit" if limited else "interrupted"), "end")


def _error(recorder: LogRecorder) -> None:
    status, kind = number_of(recorder.data.get("statusCode")), recorder.text("errorType")
    if kind in _OF_CLIENT and status is None:
        return
    limited = kind in _LIMITS
    add_failure(recorder, "end", recorder.text("message").strip(), status=status, limited=limited)


def _sub_agent(recorder: LogRecorder) -> None:
    call_id = recorder.text("toolCallId")
    if not call_id or known_call(recorder.context.calls, call_id):
        return  # the result of the call reports the same
    recorder.subagent_id = None  # it is the session's task
    state: Literal["failed", "done"] = "failed" if recorder.kind == "subagent.failed" else "done"
    recorder.add(model.BackgroundTask(task_id=call_id, state=state), "task")


def _task_complete(recorder: LogRecorder) -> None:
    add_answer(recorder, "text", recorder.text("summary").strip(), final=True)


def _tokens(recorder: LogRecorder) -> None:
    """Handles `session.usage_record`, which follows each request, a sub-agent's too (1.0.102)."""
    usage = fields_of(recorder.data.get("usage"))
    model_id = text_of(usage.get("model"))
    recorder.count_tokens(recorder.ident, session=recorder.session, model=model_id, **numbers_in(usage))


def _shutdown(recorder: LogRecorder) -> None:
    if recorder.subagent_id is None:
        recorder.add(model.SessionEnd(reason=bounded(recorder.text("shutdownType"), SHORT_CHARS) or "shutdown"), "end")


_HANDLERS: Final[dict[str, Callable[[LogRecorder], None]]] = {
    _TITLE: _title,
    "session.start": _start,
    "session.resume": _start,
    "session.context_changed": lambda recorder: recorder.move_to(recorder.data),
    "session.model_change": _model_change,
    "session.compaction_complete": _compaction,
    "session.error": _error,
    "session.task_complete": _task_complete,
    "session.usage_record": _tokens,
    "session.shutdown": _shutdown,
    "user.message": _user,
    "hook.end": _hook,
    "assistant.message": _assistant,
    "tool.execution_start": calls.parse_call,
    "tool.user_requested": calls.parse_call,
    "tool.execution_complete": calls.parse_result,
    "human_response.recorded": calls.parse_decision,
    "permission.completed": calls.parse_decision,
    "system.notification": calls.parse_notification,
    "subagent.completed": _sub_agent,
    "subagent.failed": _sub_agent,
    "abort": _abort,
}
