"""Turns the records of Cursor's stores into events. Format facts: FACTS.md."""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

from carryover.adapter.contract import Parsed, Record, Reemitted, Source, ToolOutcome
from carryover.adapter.event_builder import reemitted_after
from carryover.agents.cursor import wire
from carryover.agents.cursor.adapter import COPY_GROUP, NOTED, kind_of
from carryover.agents.cursor.builder import Builder
from carryover.agents.cursor.tools import arguments_in, as_update, op_of, outcome_of, todos_after
from carryover.model import AgentSummary, AnyBody, AssistantMessage, Op, SessionInfo, TurnEnd, UserPrompt
from carryover.records import rawjson
from carryover.records.fields import LATEST_MS, MAX_NAME_CHARS, digest
from carryover.records.lenient import Fields, fields_of, inside, is_true, items_of, number_of, text_below, text_of
from carryover.records.resets import failed_turn, names_limit
from carryover.records.text import without_handoff

MAX_BLOCKS: Final = 500

_LINE: Final = b'{"%s":' % NOTED.encode()
"""Prefix that the reader adds to each line of a transcript."""

_TAKEN_OUT: Final = "[REDACTED]"
"""Placeholder for thinking that a transcript leaves out."""
_BLOCKS: Final = {"user": ("text",), "assistant": ("text", "tool_use", "tool-call"), "tool": ("text", "tool-result")}
"""Types of blocks that are read, by role."""
_QUIET_BLOCKS: Final = frozenset(("thinking", "reasoning", "redacted_thinking", "redacted-reasoning"))
_IMAGE_BLOCKS: Final = frozenset(("image", "file", "document"))
_ERROR_TEXTS: Final = ("message", "detail", "title", "error")
_CALL_ERROR_TEXTS: Final = ("clientVisibleErrorMessage", "modelVisibleErrorMessage", "message")
_STOPPED: Final = "User aborted"
_RECORD: Final = msgspec.json.Decoder(wire.StoreRecord)
_EMPTY: Final = hashlib.sha256().hexdigest()
"""Suffix of the key of an empty text: a file that had it did not exist."""


def parse_record(source: Source, context: wire.Context, record: Record) -> tuple[wire.Context, Parsed]:
    """Parses one record. Never raises: what is not understood is counted in `skipped`."""
    if kind_of(source.path) == "transcript" or record.data.startswith(_LINE):
        return _parse_line(source, context, record)
    read = rawjson.read(_RECORD, record.data)
    if isinstance(read, str):
        return context, Parsed(skipped=(rawjson.skipped(None, read, None),))
    if read.kind == "skipped":
        return context, Parsed(skipped=(rawjson.skipped(read.what, read.why, None),))
    builder = Builder.of(context, read.conversation)
    if builder is None:
        return context, Parsed(skipped=(rawjson.skipped("conversation", "no usable id", None),))
    if read.kind == "begin":
        return builder.parsed(_begin(builder, read))
    if read.kind == "message":
        builder.ident = f"{builder.ident}/{read.id[:MAX_NAME_CHARS]}"
        noted_ms = (read.noted_ms if builder.emitted.last else 0) or read.at_ms or read.noted_ms
        _parse_message(builder, read.message, read.message.get("content"), noted_ms)
        return builder.parsed()
    builder.at_ms = read.at_ms if 0 < read.at_ms < LATEST_MS else builder.emitted.last_ms or context.talk.last_ms
    if not builder.at_ms:
        return context, Parsed()  # nothing was said yet
    builder.note_emitted(last_ms=builder.at_ms)
    if read.kind == "bubble":
        _parse_bubble(builder, read)
    else:
        _parse_state(builder, read)
    return builder.parsed()


def _begin(builder: Builder, record: wire.StoreRecord) -> Reemitted | None:
    """Marks what is emitted again: the events after the last one, or all of them if anything before it changed."""
    if record.on and builder.ident not in builder.context.emitted:
        builder.note_emitted(last_ms=min(max(record.at_ms, 0), LATEST_MS))
        return None
    if not record.on:
        builder.note_emitted(**msgspec.structs.asdict(wire.Emitted(last_ms=min(max(record.at_ms, 0), LATEST_MS))))
    return reemitted_after(
        builder.emitted.last, session=builder.session, subagent_id=builder.subagent_id, more=record.more
    )


def _parse_bubble(builder: Builder, record: wire.StoreRecord) -> None:
    builder.ident = f"{builder.ident}/{record.id}"
    bubble = record.bubble
    text = text_of(record.bubble.get("text"))
    if record.type == wire.USER:
        if text.strip():
            builder.add(UserPrompt(text=text, actor="model" if builder.subagent_id else "human"), "text")
    elif record.type == wire.ASSISTANT:
        if number_of(bubble.get("capabilityType")) == wire.TOOL:
            _parse_tool(builder, record)
        if text.strip():
            builder.add(AssistantMessage(text=text, aborted=record.aborted), "text")
        if error := _error_in(bubble.get("errorDetails", rawjson.ABSENT)):
            builder.add(failed_turn(error, builder.at_ms, limited=names_limit(error)), "failed")
    else:
        builder.skip("bubble", "unknown type")


def _error_in(raw: msgspec.Raw) -> str:
    """Returns the text of an error, which is a string or has title and message. Only the title shows a limit."""
    title = text_of(inside(raw, "error", "details", "title"))
    message = text_below(raw, *_ERROR_TEXTS)
    return f"{title}. {message}" if title and title not in message else message


def _parse_tool(builder: Builder, record: wire.StoreRecord) -> None:
    data = fields_of(record.bubble.get("toolFormerData"))
    # The id is as the model's provider made it; some hold a line break and a second id.
    call_id = (text_of(data.get("toolCallId")).partition("\n")[0] or record.id)[:MAX_NAME_CHARS]
    given = arguments_in(*(wire.unwrapped(data.get(name)) for name in ("rawArgs", "params")))
    call = builder.call(call_id, text_of(data.get("name")), given, "call", "")
    outcome = _outcome(builder, call.op, data) if call is not None else None
    if call is None or outcome is None:
        return
    result = fields_of(wire.unwrapped(data.get("result")))
    if text_of(result.get("afterContentId")) and (text_of(result.get("beforeContentId")) or _EMPTY).endswith(_EMPTY):
        new = (msgspec.structs.replace(one, change="add") if one.change == "modify" else one for one in call.changes)
        call = msgspec.structs.replace(call, changes=tuple(new))
    builder.result(call, outcome, "result", "")


def _outcome(builder: Builder, op: Op, data: Fields) -> ToolOutcome | None:
    """Determines how the call ended; None if it is not known to have ended."""
    status = text_of(data.get("status"))
    result = outcome_of(op, wire.unwrapped(data["result"])) if "result" in data else ToolOutcome("unknown")
    if status in wire.UNFINISHED:
        return None
    if status == "error":
        said = result.output or text_below(wire.unwrapped(data.get("error")), *_CALL_ERROR_TEXTS)
        return msgspec.structs.replace(result, status="error", output=said)
    if status == "cancelled":
        return result if result.status == "denied" else msgspec.structs.replace(result, status="interrupted")
    if status not in ("completed", ""):
        builder.skip("bubble/tool", "unknown status")
        return msgspec.structs.replace(result, status="unknown")
    # A command that failed is `completed` too, so that without an exit code it is unknown how it ended.
    if op == "shell" and result.status == "ok" and result.exit_code is None:
        return msgspec.structs.replace(result, status="unknown")
    is_ok = op != "shell" and result.status == "unknown" and status == "completed"
    return msgspec.structs.replace(result, status="ok") if is_ok else result


def _parse_state(builder: Builder, record: wire.StoreRecord) -> None:
    folders = builder.conversation.folders if builder.conversation is not None else ()
    if record.status and builder.folder is None and folders:
        # A turn is over and touched no file: the first folder will do.
        builder.note_emitted(folder=folders[0], marks={**builder.emitted.marks, "info": 0})
    info = SessionInfo(title=record.conversation.name or None, model=record.conversation.model or None)
    if builder.subagent_id is None and (info.title or info.model or builder.folder):
        _tell_news(builder, "info", info)
    todos = todos_after((), {"todos": record.todos})
    if todos or (todos is not None and builder.emitted.marks.get("todos")):
        _tell_news(builder, "todos", as_update(todos))
    if summary := without_handoff(text_below(record.summary, "summary", "text")).strip():
        _tell_news(builder, "summary", AgentSummary(text=summary, source="compaction"), f"summary/{digest(summary)}")
    if record.status in ("aborted", "error"):
        end = TurnEnd(reason="interrupted" if record.status == "aborted" else "error")
        _tell_news(builder, "end", end, f"{builder.ident}/{record.id}:end")


def _tell_news(builder: Builder, name: str, body: AnyBody, key: str | None = None) -> None:
    mark = int(digest(f"{key} {body}")[:12], 16)  # a number, since text might be taken for a secret
    if mark != builder.emitted.marks.get(name):
        builder.note_emitted(marks={**builder.emitted.marks, name: mark})
        builder.add_as(key or f"{builder.ident}/{name}/{builder.at_ms}/{mark}", body)


def _parse_line(source: Source, context: wire.Context, record: Record) -> tuple[wire.Context, Parsed]:
    """Parses one line of a transcript. A message has a role, everything else a type."""
    line = fields_of(record.data)
    role = text_of(line.get("role"))
    kind = text_of(line.get("type"))
    if not line and record.data.strip() != b"{}":
        return context, Parsed(skipped=(rawjson.skipped("?", "not a JSON object", None),))
    if role == "system":
        return context, Parsed()
    names = ("role", "type", "message", "status", "error")
    mark = digest(b"\0".join(bytes(line.get(name, rawjson.ABSENT)) for name in names))
    session = source.session or digest(source.path)
    copy = f"{COPY_GROUP}/" if source.group == COPY_GROUP else ""
    builder = Builder(
        context=context,
        session=session,
        ident=f"{session}/{source.subagent_id or ''}/{copy}{record.number}/{mark}",
        subagent_id=source.subagent_id,
        slug=source.group,
    )
    noted_ms = number_of(line.get(NOTED)) or 0
    if role in ("user", "assistant"):
        content = fields_of(line.get("message")).get("content", rawjson.ABSENT)
        if bytes(content)[:1] not in (b'"', b"["):
            builder.skip(role, "unexpected message")
            return builder.parsed()
        _parse_message(builder, line, content, noted_ms)
    elif kind == "turn_ended":
        _parse_end(builder, line, noted_ms)
    else:
        builder.skip(kind or role or "?", "unknown record type")
    return builder.parsed()


def _parse_message(builder: Builder, message: Fields, content: msgspec.Raw | None, noted_ms: int) -> None:
    role = text_of(message.get("role"))
    if role not in ("system", "user", "assistant", "tool"):
        builder.skip("message", "unknown role")
    if role not in ("user", "assistant", "tool"):
        return
    blocks = _blocks(builder, role, content)
    if role == "user":
        texts = [block.text for block in blocks.values() if block.type == "text" and block.text]
        images = sum(block.type in _IMAGE_BLOCKS for block in blocks.values())
        builder.prompt("\n".join(texts), noted_ms, images)
        return
    builder.place(noted_ms)
    if builder.conversation is None:
        builder.close_calls(went_on=True)
    for number, block in blocks.items():
        if block.type == "text":
            # What the model thought was taken out there.
            builder.say((block.text or "").removesuffix(_TAKEN_OUT).rstrip(), f"{number}")
        elif block.type == "tool_use":
            builder.start_call(f"{builder.ident}/{number}", block.name, arguments_in(block.input), f"{number}")
        elif block.type == "tool-call":
            builder.start_call(block.call_id, block.tool_name, arguments_in(block.args, block.input), f"{number}")
        elif block.type == "tool-result":
            _parse_result(builder, block, f"{number}")


def _parse_result(builder: Builder, block: wire.Block, part: str) -> None:
    if not block.call_id or len(block.call_id) + len(block.tool_name) > 2 * MAX_NAME_CHARS:
        builder.skip("tool-result", "no usable id")
        return
    unknown = wire.OpenCall(id=block.call_id, name=block.tool_name, op=op_of(block.tool_name))
    call = next((call for call in builder.context.talk.calls if call.id == block.call_id), unknown)
    outcome = outcome_of(call.op, block.result)
    if is_true(block.is_error) and outcome.status in ("ok", "unknown"):
        outcome = ToolOutcome("error", outcome.output, exit_code=outcome.exit_code)
    builder.result(call, outcome, part, f"{part}.")


def _blocks(builder: Builder, role: str, content: msgspec.Raw | None) -> dict[int, wire.Block]:
    """Returns the parts of a message that are understood, by position; the others are counted."""
    if text := text_of(content):
        return {0: wire.Block(type="text", text=text)}
    blocks = {}
    for number, raw in enumerate(items_of(content)[:MAX_BLOCKS]):
        block = rawjson.part_of(raw, wire.Block)
        if block is None:
            builder.skip(role, "unexpected block")
        elif block.type in _BLOCKS[role] or block.type in _IMAGE_BLOCKS:
            blocks[number] = block
        elif block.type not in _QUIET_BLOCKS:
            builder.skip(f"{role}/{block.type}", "unknown block")
    return blocks


def _parse_end(builder: Builder, line: Fields, noted_ms: int) -> None:
    status = text_of(line.get("status"))
    error = text_below(line.get("error", rawjson.ABSENT), "message")
    builder.place(noted_ms)
    builder.close_calls(went_on=status in ("success", "completed"))
    if status in ("aborted", "cancelled", "interrupted") or (status == "error" and error.startswith(_STOPPED)):
        builder.add(TurnEnd(reason="interrupted"), "end")
    elif status == "error":
        builder.add(failed_turn(error, builder.at_ms, limited=names_limit(error)), "end")
    elif status not in ("success", "completed"):
        builder.skip("turn_ended", "unknown status")
