"""From one record of a chat in VS Code to events. Facts about the format: FACTS.md."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from carryover.adapter.contract import Parsed, Record, Reemitted, Source
from carryover.adapter.event_builder import OpenCall, reemitted_after
from carryover.agents.copilot.kinds import CHAT_SUMMARY_KINDS
from carryover.agents.copilot.vscode_builder import ChatBuilder
from carryover.agents.copilot.vscode_context import ChatContext, ThreadContext
from carryover.agents.copilot.vscode_edits import changes_in
from carryover.agents.copilot.vscode_prompts import attachments_in, typed_in
from carryover.agents.copilot.vscode_tools import is_about_handoff, op_of, outcome_of, paths_in, plan_of, subject_of
from carryover.agents.copilot.vscode_wire import (
    CANCELLED,
    EDIT_KINDS,
    FAILED,
    QUIET_KINDS,
    RECORD,
    BeginRecord,
    EndRecord,
    PartRecord,
    PromptRecord,
    SkippedRecord,
    StateRecord,
    TextRecord,
    ToolPart,
    kind_of_part,
)
from carryover.model import (
    AgentSummary,
    Answer,
    AssistantMessage,
    PlanProposal,
    Question,
    QueuedPrompt,
    SessionInfo,
    TurnEnd,
    UserPrompt,
)
from carryover.records import rawjson
from carryover.records.changes import as_edit
from carryover.records.fields import LATEST_MS, MAX_NAME_CHARS, digest
from carryover.records.lenient import Fields, fields_of, is_true, items_of, read_as, text_of
from carryover.records.resets import failed_turn
from carryover.records.summary import parts_by_heading
from carryover.records.text import without_handoff

MAX_QUESTIONS: Final = 10

_LIMIT: Final = re.compile(
    r"\b429\b|rate[ _-]?limit|\blimit (?:reached|exceeded)|(?:hit|reached|exceeded|exhausted) (?:your|the)\b.{0,60}"
    r"\b(?:limit|allowance|quota)|\busage limit|\bquota\b|\bpremium requests?\b.{0,40}\b(?:limit|exhausted|used)",
    re.IGNORECASE,
)
_FENCE: Final = "```"
_OPENING: Final = re.compile(r"\A`{3,}\s*\n\s*")
_CLOSING: Final = re.compile(r"\s*\n`{3,}[\w+-]*\Z")
_CANCELLED_CODES: Final = frozenset(("canceled", "cancelled"))


def parse_record(_source: Source, context: ChatContext, record: Record) -> tuple[ChatContext, Parsed]:
    """Parses one record. Never raises: what is not understood is counted in `skipped`."""
    read = rawjson.read(RECORD, record.data)
    if isinstance(read, str):
        return context, Parsed(skipped=(rawjson.skipped(None, read, None),))
    if isinstance(read, SkippedRecord):
        return context, Parsed(skipped=(rawjson.skipped(read.what, read.why, None),))
    builder = ChatBuilder.of(context, read.chat)
    if builder is None:
        return context, Parsed(skipped=(rawjson.skipped("chat", "no usable id", None),))
    if isinstance(read, BeginRecord):
        return builder.parsed(_begin(builder, read))
    builder.place(read.at_ms)
    if not builder.at_ms:
        return context, Parsed(skipped=(rawjson.skipped("chat", "no usable time", None),))
    match read:
        case PromptRecord():
            _parse_prompt(builder, read)
        case TextRecord():
            _parse_text(builder, read)
        case PartRecord():
            _parse_part(builder, read)
        case EndRecord():
            _parse_end(builder, read)
        case StateRecord():
            _parse_state(builder, read)
    return builder.parsed()


def _begin(builder: ChatBuilder, record: BeginRecord) -> Reemitted | None:
    """What is emitted again: what comes after the last event, or all of it where anything before it changed."""
    is_known = builder.chat.thread in builder.context.threads
    if record.on and not is_known:
        return None
    if not record.on:
        builder.remember(**msgspec.structs.asdict(ThreadContext(last_ms=min(max(record.at_ms, 0), LATEST_MS))))
    return reemitted_after(
        builder.thread.last, session=builder.chat.session, subagent_id=builder.chat.subagent, more=record.more
    )


def _parse_prompt(builder: ChatBuilder, record: PromptRecord) -> None:
    typed = typed_in(record.message)
    attachments = attachments_in(record.variables)
    if not (typed.text or typed.command or attachments):
        return
    if record.queued:
        if typed.text and record.typed:
            builder.add(QueuedPrompt(text=typed.text), f"{record.request}/queued")
        return
    is_typed = record.typed and builder.chat.subagent is None
    prompt = UserPrompt(
        text=typed.text, command=typed.command, attachments=attachments, actor="human" if is_typed else "model"
    )
    builder.add(prompt, f"{record.request}/prompt")


def _parse_text(builder: ChatBuilder, record: TextRecord) -> None:
    text = "".join(map(_text_of_part, record.parts)).strip()
    if record.after_edit and text.count(_FENCE) % 2:
        text = _OPENING.sub("", text)
    if record.before_edit and text.count(_FENCE) % 2:
        text = _CLOSING.sub("", text)
    if text:
        message = AssistantMessage(text=text, final=record.final, aborted=record.aborted)
        builder.add(message, f"{record.request}/{record.number}/text")


def _text_of_part(raw: msgspec.Raw) -> str:
    """The Markdown of a part; of a reference its name, or that of the file."""
    part = fields_of(raw)
    reference = fields_of(part.get("inlineReference"))
    if reference:
        uri = fields_of(fields_of(reference.get("location")).get("uri")) or fields_of(reference.get("uri")) or reference
        names = (part.get("name"), reference.get("name"))
        named = next(filter(None, map(text_of, names)), "")
        return f"`{named or text_of(uri.get('path')).rpartition('/')[2]}`"
    return text_of(raw) or text_of(part.get("value")) or text_of(fields_of(part.get("content")).get("value"))


def _parse_part(builder: ChatBuilder, record: PartRecord) -> None:
    fields = fields_of(record.part)
    kind = kind_of_part(fields)
    if kind in ("toolInvocationSerialized", "toolInvocation"):
        _parse_tool(builder, record, read_as(record.part, ToolPart) or ToolPart())
    elif kind in EDIT_KINDS:
        _parse_edit(builder, record, kind, fields)
    elif kind == "questionCarousel":
        _parse_questions(builder, record, fields)
    elif kind == "planReview":
        _parse_plan(builder, record, fields)
    elif kind not in QUIET_KINDS:
        builder.count_skipped(f"part/{kind}", "unknown kind")


def _parse_tool(builder: ChatBuilder, record: PartRecord, tool: ToolPart) -> None:
    """A call, and its result where there is one."""
    call_id, name = text_of(tool.tool_call_id), text_of(tool.tool_id)
    if not name or len(name) > MAX_NAME_CHARS:
        builder.count_skipped("part/tool", "no usable name")
        return
    ident = f"{record.request}/{record.number}"
    builder.learn_folder(paths_in(tool))
    op = op_of(name)
    call = OpenCall(
        id=call_id if 0 < len(call_id) <= MAX_NAME_CHARS else ident,
        name=name,
        op=op,
        subject=subject_of(tool),
        handoff=is_about_handoff(tool),
    )
    builder.add(call.as_event(), f"{ident}/call")
    outcome = outcome_of(op, tool, record.state)
    if outcome is not None:
        builder.add(call.ended(outcome), f"{ident}/result")
    plan = plan_of(tool.data)
    if plan is not None:
        builder.add(plan, f"{ident}/plan")


def _parse_edit(builder: ChatBuilder, record: PartRecord, kind: str, fields: Fields) -> None:
    changes = changes_in(kind, fields)
    builder.learn_folder([change.path for change in changes], are_files=True)
    for number, change in enumerate(changes):
        if record.is_new and change.change == "modify":
            change = msgspec.structs.replace(change, change="add")
        builder.add(as_edit(change, record.call_id), f"{record.request}/{record.number}/edit{number}")


def _parse_questions(builder: ChatBuilder, record: PartRecord, fields: Fields) -> None:
    """Questions that a tool put to the user, and the answers. One that was skipped has none."""
    answers = fields_of(fields.get("data"))
    ident = f"{record.request}/{record.number}"
    for number, raw in enumerate(items_of(fields.get("questions"))[:MAX_QUESTIONS]):
        question = fields_of(raw)
        asked = _shown(question.get("message")) or text_of(question.get("title"))
        if not asked:
            continue
        call_id = f"{ident}/{number}"
        options = {text_of(option.get("id")): text_of(option.get("label")) for option in _options_of(question)}
        builder.add(Question(call_id=call_id, text=asked, options=tuple(options.values())), f"{call_id}/question")
        said = _answer_in(answers.get(text_of(question.get("id"))), options)
        if said:
            builder.add(Answer(call_id=call_id, question=asked, text=said), f"{call_id}/answer")


def _options_of(question: Fields) -> list[Fields]:
    return [fields_of(raw) for raw in items_of(question.get("options"))[:MAX_QUESTIONS]]


def _answer_in(raw: msgspec.Raw | None, options: dict[str, str]) -> str:
    given = fields_of(raw)
    chosen = [text_of(given.get("selectedValue")), *map(text_of, items_of(given.get("selectedValues")))]
    said = [text_of(raw), *(options.get(value, value) for value in chosen), text_of(given.get("freeformValue"))]
    return ", ".join(filter(None, said))


def _parse_plan(builder: ChatBuilder, record: PartRecord, fields: Fields) -> None:
    ruling = fields_of(fields.get("data"))
    text = text_of(fields.get("content")).strip() or text_of(fields.get("title"))
    if text:
        accepted = None if not ruling else not is_true(ruling.get("rejected"))
        ident = f"{record.request}/{record.number}/plan"
        builder.add(PlanProposal(call_id=ident, text=text, accepted=accepted), ident)


def _parse_end(builder: ChatBuilder, record: EndRecord) -> None:
    result = fields_of(record.result)
    if summary := without_handoff(_summary_in(result.get("summary"))).strip():
        body = AgentSummary(text=summary, source="compaction", parts=parts_by_heading(summary, CHAT_SUMMARY_KINDS))
        builder.add(body, f"{record.request}/summary/{digest(summary)}")
    end = _turn_end(record.state, fields_of(result.get("errorDetails")), builder.at_ms)
    if end is not None:
        builder.add(end, f"{record.request}/end")


def _summary_in(raw: msgspec.Raw | None) -> str:
    return text_of(fields_of(raw).get("text")) or text_of(raw)


def _turn_end(state: int | None, error: Fields, at_ms: int) -> TurnEnd | None:
    """How a turn ended that did not end well: at a limit, by an error, or because the user stopped it."""
    message = text_of(error.get("message"))
    limits = (error.get(name) for name in ("isQuotaExceeded", "isRateLimited"))
    if any(map(is_true, limits)) or _LIMIT.search(message):
        return failed_turn(message, at_ms, limited=True)
    if state == CANCELLED or text_of(error.get("code")) in _CANCELLED_CODES:
        return TurnEnd(reason="interrupted")
    return TurnEnd(reason="error", message=message) if message or state == FAILED else None


def _parse_state(builder: ChatBuilder, record: StateRecord) -> None:
    """Facts about the session, where they are news."""
    if record.rests and builder.folder is None and builder.chat.folders:
        # The turn is over and named no file: the window's first folder will do.
        builder.remember(folder=builder.chat.folders[0], info=0)
    info = SessionInfo(
        title=record.title or None,
        agent_version=record.version or None,
        model=record.model or None,
        branch=record.branch or None,
    )
    mark = int(digest(f"{builder.folder} {info}")[:12], 16)
    if mark != builder.thread.info:
        builder.remember(info=mark)
        builder.add(info, f"info/{builder.at_ms}/{mark}")


def _shown(raw: msgspec.Raw | None) -> str:
    return text_of(raw) or text_of(fields_of(raw).get("value"))
