"""Turns the records of a VS Code chat into events. Format facts: FACTS.md."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import Final

import msgspec

from carryover.adapter.contract import Parsed, Record, Source, ToolOutcome
from carryover.adapter.event_builder import EventBuilder, OpenCall, reemitted_after, usable_folder
from carryover.agents.copilot.builder import ChatContext
from carryover.agents.copilot.tools import op_of, subject_in, todos_in
from carryover.agents.copilot.vscode_reader import (
    CANCELLED,
    COMPLETE,
    ENDED,
    FAILED,
    PENDING,
    ChatRecord,
    is_given,
    kind_of_part,
    local_path,
    markdown_of,
    state_of,
    uris_in,
)
from carryover.model import Actor, Answer, AnyBody, AssistantMessage, Op, Question, TurnEnd, UserPrompt
from carryover.records import rawjson
from carryover.records.changes import Change, as_edit
from carryover.records.fields import LATEST_MS, MAX_NAME_CHARS, SHORT_CHARS, SUBJECT_CHARS, bounded, digest
from carryover.records.lenient import Fields, fields_of, first_text, is_true, items_of, number_of, text_of, time_of
from carryover.records.resets import failed_turn, names_limit
from carryover.records.text import names_handoff_file, names_own_folder, without_ansi

_TEXT: Final = "text"
_TEXT_KINDS: Final = frozenset(("", "markdownContent", "markdownVuln", "inlineReference"))
"""Kinds of parts that make up an answer's text. Plain Markdown has no kind."""
_TOOL_KINDS: Final = frozenset(("toolInvocationSerialized", "toolInvocation"))
_EVENT_KINDS: Final = _TOOL_KINDS | {"textEditGroup", "questionCarousel"}
"""Kinds of other parts that become events."""
_WITHIN_TEXT: Final = frozenset(("codeblockUri", "undoStop", "reference", "codeCitation"))
"""Kinds of parts that do not interrupt a text."""
_QUIET_KINDS: Final = frozenset(
    "thinking prepareToolInvocation progressMessage progressTask progressTaskSerialized progressTaskResult "
    "confirmation elicitation elicitation2 elicitationSerialized mcpServersStarting mcpServersStartingSlow "
    "mcpAuthenticationRequired hook warning info command treeData multiDiffData extensions pullRequest "
    "clearToPreviousToolInvocation usage "
    "usedContext move disabledClaudeHooks systemNotification voiceProgress autoModeResolution progress "
    "externalEdit notebookEditGroup planReview workspaceEdit".split()
)
"""Kinds of parts without content for a handoff."""
_ATTACHED: Final = frozenset(("file", "directory", "image", "paste"))
"""Kinds of attachments that a user adds to a prompt; other kinds are added automatically."""
_NOT_TYPED: Final = ("confirmation", "requestSource", "isSystemInitiated", "requestHiddenFromTranscript")
"""Fields of a request that a button or the editor sent."""
_COMMANDS: Final = frozenset(("slash", "subcommand", "prompt"))
_COMMAND: Final = re.compile(r"\A\s*(?:@[\w-]+\s+)?(/[\w:.-]+)(?:\s+|\Z)")
_BORDER: Final = re.compile(r"\A`{3,}\s*(?:\n\s*|\Z)|(?:\s*\n|\A)`{3,}[\w+-]*\Z")
"""The end of a code block at the start of a text, or the start of one at its end."""
_DENIED = 0
_SKIPPED = 5
"""Types of `isConfirmed`."""
_LINK: Final = re.compile(r"\[([^\]]*)\]\(([^)\s]*)\)")
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S*")
_RECORD: Final = msgspec.json.Decoder(ChatRecord)


@dataclass(slots=True, kw_only=True)
class ChatBuilder(EventBuilder[ChatContext]):
    """Builds the events of one record. Parts without a time get that of the request, `asked_ms`."""

    record: ChatRecord
    place: str
    """The prefix of the keys."""
    asked_ms: int = 0

    def add(self, body: AnyBody, part: str, at_ms: int = 0) -> None:
        """Adds an event, dated no earlier than the one before it.

        Its key begins with the chat, since an imported chat may repeat the requests of another.
        """
        self.at_ms = min(max(at_ms or self.asked_ms, self.context.last_ms), LATEST_MS)
        folder = usable_folder(self.record.folder)
        self.append(f"{self.place}/{part}", body, session=self.record.session, cwd=folder)
        self.change(last_ms=self.at_ms, last=self.last_key)


def parse_record(_source: Source, context: ChatContext, record: Record) -> tuple[ChatContext, Parsed]:
    """Parses one record. Never raises: what is not understood is counted in `skipped`."""
    read = rawjson.read(_RECORD, record.data)
    if isinstance(read, str):
        return context, Parsed(skipped=(rawjson.skipped(None, read, None),))
    if read.kind == "skipped":
        # The next readable state of a chat of which nothing was read is emitted as a whole.
        return ChatContext(), Parsed(skipped=(rawjson.skipped("chat", read.why, None),))
    if not 0 < len(read.session) <= MAX_NAME_CHARS:
        return context, Parsed(skipped=(rawjson.skipped("chat", "no usable id", None),))
    if read.kind == "begin":
        context = context if read.on and context.last else ChatContext(last_ms=min(max(read.at_ms, 0), LATEST_MS))
        return context, Parsed(reemitted=reemitted_after(context.last, session=read.session, more=read.more))
    builder = ChatBuilder(context=context, record=read, place=f"{read.session}/{read.ident}")
    if read.kind == "request" or read.live:
        _parse_request(builder, read)
    if read.kind == "state":
        _parse_state(builder, read)
    # A live answer is emitted again with each change, so nothing of it is remembered.
    return context if read.live else builder.context, builder.built()


def _parse_state(builder: ChatBuilder, record: ChatRecord) -> None:
    builder.place = record.session
    if record.why:
        builder.count_skipped("chat", record.why)
    mark = int(digest(f"{record.folder} {record.info}")[:12], 16)
    if mark != builder.context.info and builder.context.last_ms:
        builder.change(info=mark)
        builder.add(record.info, f"info/{builder.context.last_ms}/{mark}")


def _parse_request(builder: ChatBuilder, record: ChatRecord) -> None:
    """Adds the prompt, what the model said and did, and how the turn ended if it has."""
    request = record.request
    builder.asked_ms = time_of(request.get("timestamp"))
    if not (builder.asked_ms or builder.context.last_ms):
        builder.count_skipped("chat", "no usable time")
        return
    state = state_of(request)
    ended_ms = time_of(fields_of(request.get("modelState")).get("completedAt"))
    _add_prompt(builder, request)
    parts = _parts(items_of(request.get("response")))
    last = max((n for n, (kind, _, text) in enumerate(parts) if text or kind in _EVENT_KINDS), default=-1)
    spoken = max((n for n, (kind, *_) in enumerate(parts) if kind in (_TEXT, "thinking")), default=-1)
    call = OpenCall(id="", name="", op="other")
    for number, (kind, fields, text) in enumerate(parts):
        if kind == _TEXT and text:
            said = AssistantMessage(text=text, final=False)
            if number == last:
                aborted = record.live or state in (CANCELLED, FAILED)
                said = AssistantMessage(text=text, final=True if state == COMPLETE else None, aborted=aborted)
            builder.add(said, f"{number}/text", ended_ms if number == last else 0)
        elif kind in _TOOL_KINDS:
            # The model had the results of all calls before what it thinks or says.
            has_ended = number < spoken or not (state in ENDED or record.live) or _has_result(fields)
            call = _add_call(builder, number, fields, COMPLETE if has_ended else state or PENDING)
        elif kind == "textEditGroup":
            if (change := _change_in(fields)) is not None:
                change = msgspec.structs.replace(change, change="add") if call.op == "write" else change
                builder.add(as_edit(change, call.id or None), f"{number}/edit0")
            call = msgspec.structs.replace(call, op="edit")  # what follows is in the file that the call has created
        elif kind == "questionCarousel":
            _add_questions(builder, number, fields)
        elif kind != _TEXT and kind not in _QUIET_KINDS:
            builder.count_skipped(f"part/{kind}", "unknown kind")
    if not record.live:
        _add_end(builder, request, state, ended_ms)


def _add_prompt(builder: ChatBuilder, request: Fields) -> None:
    message = fields_of(request.get("message"))
    text = text_of(message.get("text"))
    kinds = {text_of(fields_of(part).get("kind")) for part in items_of(message.get("parts"))}
    command = _COMMAND.match(text) if kinds & _COMMANDS else None
    text = text[command.end() if command is not None else 0 :].strip()
    listed = items_of(fields_of(request.get("variableData")).get("variables"))
    attachments = sum(text_of(fields_of(raw).get("kind")) in _ATTACHED for raw in listed)
    if text or command or attachments:
        actor: Actor = "model" if any(is_given(request.get(name)) for name in _NOT_TYPED) else "human"
        name = command[1] if command is not None else None
        builder.add(UserPrompt(text=text, command=name, attachments=attachments, actor=actor), "prompt")


def _parts(raws: list[msgspec.Raw]) -> list[tuple[str, Fields, str]]:
    """Returns the parts of an answer with their kinds. Consecutive parts of a text are merged into just that text."""
    found: list[tuple[str, Fields, str]] = []
    for raw in raws:
        fields = fields_of(raw)
        kind = "" if text_of(raw) else kind_of_part(fields)
        if kind in _TEXT_KINDS:
            before = found.pop()[2] if found and found[-1][0] == _TEXT else ""
            found.append((_TEXT, {}, before + (text_of(raw) or _text_of_part(fields))))
        elif kind not in _WITHIN_TEXT:
            found.append((kind, fields, ""))
    return [(kind, fields, _without_borders(text.strip())) for kind, fields, text in found]


def _text_of_part(fields: Fields) -> str:
    """Returns the Markdown of a part; for a reference, its name or the file's name."""
    if reference := fields_of(fields.get("inlineReference")):
        uri = fields_of(fields_of(reference.get("location")).get("uri")) or fields_of(reference.get("uri")) or reference
        named = text_of(fields.get("name")) or text_of(reference.get("name"))
        return f"`{named or posixpath.basename(text_of(uri.get('path')))}`"
    return text_of(fields.get("value")) or markdown_of(fields.get("content"))


def _without_borders(text: str) -> str:
    return _BORDER.sub("", text, count=1) if text.count("```") % 2 else text


def _add_call(builder: ChatBuilder, number: int, tool: Fields, state: int) -> OpenCall:
    """Adds a call, and its result if there is one. `state`: that of the turn, complete if the call has ended."""
    name = text_of(tool.get("toolId"))
    data = fields_of(tool.get("toolSpecificData"))
    op = op_of(name)
    subject = _subject_of(op, tool, data)
    call = OpenCall(
        id=text_of(tool.get("toolCallId"))[:MAX_NAME_CHARS] or f"{builder.record.ident}/{number}",
        name=name,
        op=op,
        subject=subject,
        handoff=names_own_folder(f"{subject} {markdown_of(tool.get('invocationMessage'))}"),
    )
    if not name or len(name) > MAX_NAME_CHARS:
        builder.count_skipped("part/tool", "no usable name")
        return call
    at_ms = max(builder.asked_ms, time_of(fields_of(data.get("terminalCommandState")).get("timestamp")))
    builder.add(call.as_event(), f"{number}/call", at_ms)
    if (outcome := _outcome_of(op, tool, data, state)) is not None:
        builder.add(call.ended(outcome), f"{number}/result", at_ms)
    if (plan := todos_in(data.get("todoList"))) is not None:
        builder.add(plan, f"{number}/plan", at_ms)
    return call


def _subject_of(op: Op, tool: Fields, data: Fields) -> str:
    """Returns the subject of a call, bounded: the command, the file, the query, or the text that the chat shows."""
    line = fields_of(data.get("commandLine"))
    message = tool.get("invocationMessage")
    # As changed by the user or the tool, without what only a sandbox needs.
    changed = ("original", "toolEdited") if is_given(line.get("isSandboxWrapped")) else ("toolEdited", "original")
    found = (
        first_text(line, "userEdited", *changed) or first_text(data, "command", "commandLine", "description"),
        next(filter(None, map(local_path, uris_in(message))), ""),
        subject_in(op, fields_of(data.get("rawInput"))),
        text_of(data.get("input")),
        _shown(message),
    )
    return bounded(next(filter(None, found), ""), SUBJECT_CHARS)


def _shown(message: msgspec.Raw | None) -> str:
    """Returns a message in the chat as text, with links replaced by their names."""
    plain = _LINK.sub(lambda found: found[1] or posixpath.basename(found[2]), markdown_of(message))
    return _URI.sub("", plain).strip()


def _has_result(tool: Fields) -> bool:
    ended = fields_of(tool.get("toolSpecificData")).get("terminalCommandState")
    return any(map(is_given, (tool.get("resultDetails"), tool.get("resultError"), ended)))


def _outcome_of(op: Op, tool: Fields, data: Fields, state: int) -> ToolOutcome | None:
    if number_of(fields_of(tool.get("isConfirmed")).get("type")) in (_DENIED, _SKIPPED):
        return ToolOutcome("denied", never_ran=True)
    details = fields_of(tool.get("resultDetails"))
    ended = fields_of(data.get("terminalCommandState"))
    output = without_ansi(_output_in(data, details) or text_of(tool.get("resultError")))
    code = number_of(ended.get("exitCode"))
    if code is not None:
        return ToolOutcome("error" if code else "ok", output, exit_code=code)
    if is_given(tool.get("resultError")) or is_given(details.get("isError")):
        return ToolOutcome("error", output)
    if state == CANCELLED and not ended:
        return ToolOutcome("interrupted", output)
    if state != COMPLETE and not ended:
        return None
    if op != "shell":
        return ToolOutcome("ok", output)
    # A test run has no exit code, but the chat shows how many tests passed.
    return ToolOutcome("unknown", output or _shown(tool.get("pastTenseMessage")))


def _output_in(data: Fields, details: Fields) -> str:
    """Returns a call's output: a text, or the texts among its parts."""
    listed = map(fields_of, items_of(details.get("output")))
    parts = (text_of(part.get("value")) for part in listed if is_given(part.get("isText", msgspec.Raw(b"true"))))
    printed = text_of(fields_of(data.get("terminalCommandOutput")).get("text")) or first_text(data, "output", "result")
    return printed or "\n".join(filter(None, parts)) or text_of(details.get("output"))


def _change_in(part: Fields) -> Change | None:
    """Returns the change of a file that batches of edits made, each a range and its new text; None without edits."""
    path = local_path(part.get("uri"))
    edits = [fields_of(raw) for batch in items_of(part.get("edits")) for raw in items_of(batch)]
    if path is None or names_handoff_file(path) or not edits:
        return None
    texts = [text_of(edit.get("text")).splitlines() for edit in edits]
    ranges = [fields_of(edit.get("range")) for edit in edits]
    starts = [number_of(place.get("startLineNumber")) or 0 for place in ranges]
    places = ((start, n, line) for start, text in zip(starts, texts, strict=True) for n, line in enumerate(text))
    start, below, anchor = next((place for place in places if place[2].strip()), (starts[0], 0, ""))
    return Change(
        path=path,
        change="modify",
        added=sum(map(len, texts)),
        removed=sum(map(_lines_in, ranges)),
        line=start + below if start > 0 else None,
        anchor=bounded(anchor, SHORT_CHARS) or None,
    )


def _lines_in(place: Fields) -> int:
    """Returns the number of lines in a range; 0 for a position between two characters. All are counted from 1."""
    names = ("startLineNumber", "startColumn", "endLineNumber", "endColumn")
    first, column, last, end = (number_of(place.get(name)) or 0 for name in names)
    return last - first + (end > 1) if (first, column) != (last, end) and 0 < first <= last else 0


def _add_questions(builder: ChatBuilder, number: int, fields: Fields) -> None:
    answers = fields_of(fields.get("data"))
    for place, question in enumerate(map(fields_of, items_of(fields.get("questions")))):
        asked = markdown_of(question.get("message")) or text_of(question.get("title"))
        if not asked:
            continue
        part = f"{number}/{place}"
        call_id = f"{builder.record.ident}/{part}"
        listed = map(fields_of, items_of(question.get("options")))
        options = {text_of(option.get("id")): text_of(option.get("label")) for option in listed}
        builder.add(Question(call_id=call_id, text=asked, options=tuple(options.values())), f"{part}/question")
        raw = answers.get(text_of(question.get("id")))
        given = fields_of(raw)
        chosen = (text_of(given.get("selectedValue")), *map(text_of, items_of(given.get("selectedValues"))))
        said = (text_of(raw), *(options.get(value, value) for value in chosen), text_of(given.get("freeformValue")))
        if any(said):
            builder.add(Answer(call_id=call_id, question=asked, text=", ".join(filter(None, said))), f"{part}/answer")


def _add_end(builder: ChatBuilder, request: Fields, state: int | None, ended_ms: int) -> None:
    error = fields_of(fields_of(request.get("result")).get("errorDetails"))
    message = text_of(error.get("message"))
    limited = any(is_true(error.get(name)) for name in ("isQuotaExceeded", "isRateLimited")) or names_limit(message)
    if not limited and (state == CANCELLED or text_of(error.get("code")) in ("canceled", "cancelled")):
        builder.add(TurnEnd(reason="interrupted"), "end", ended_ms)
    elif limited or message or state == FAILED:
        at_ms = min(max(ended_ms or builder.asked_ms, builder.context.last_ms), LATEST_MS)
        builder.add(failed_turn(message, at_ms, limited=limited), "end", ended_ms)
