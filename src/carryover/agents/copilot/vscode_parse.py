"""From one record of a chat in VS Code to events. Facts about the format: FACTS.md."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

import msgspec

from carryover.adapter.contract import Parsed, Record, Reemitted, Source
from carryover.adapter.event_builder import OpenCall, reemitted_after
from carryover.agents.copilot.kinds import CHAT_SUMMARY_KINDS
from carryover.agents.copilot.vscode_builder import ChatBuilder, ChatContext, ThreadContext
from carryover.agents.copilot.vscode_edits import changes_in
from carryover.agents.copilot.vscode_parts import Group, Part, groups_in, text_of_part
from carryover.agents.copilot.vscode_tools import (
    has_result,
    is_about_handoff,
    op_of,
    outcome_of,
    paths_in,
    subject_of,
    todos_in,
)
from carryover.agents.copilot.vscode_wire import (
    CANCELLED,
    COMPLETE,
    EDIT_KINDS,
    ENDED,
    EVENT_KINDS,
    FAILED,
    PENDING,
    QUIET_KINDS,
    RECORD,
    TEXT_KINDS,
    BeginRecord,
    RequestRecord,
    SkippedRecord,
    StateRecord,
    ToolPart,
    is_given,
    state_in,
)
from carryover.model import (
    AgentSummary,
    Answer,
    AnyBody,
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
from carryover.records.lenient import Fields, fields_of, is_true, items_of, text_of, time_of
from carryover.records.resets import failed_turn
from carryover.records.summary import parts_by_heading
from carryover.records.text import without_handoff

MAX_QUESTIONS: Final = 10
MAX_MESSAGE_PARTS: Final = 200
MAX_ID_CHARS: Final = 100

_UNTYPED: Final = ("confirmation", "requestSource", "isSystemInitiated", "requestHiddenFromTranscript")
"""Fields of a request that nobody typed."""
_ATTACHED: Final = frozenset(("file", "directory", "image", "paste"))
"""Kinds of what a user adds to a prompt by hand; others come with it by themselves."""
_COMMANDS: Final = frozenset(("slash", "subcommand", "prompt"))
_COMMAND: Final = re.compile(r"\A\s*(?:@[\w-]+\s+)?(/[\w:.-]+)(?:\s+|\Z)")
_LIMIT: Final = re.compile(
    r"\b429\b|rate[ _-]?limit|\blimit (?:reached|exceeded)|(?:hit|reached|exceeded|exhausted) (?:your|the)\b.{0,60}"
    r"\b(?:limit|allowance|quota)|\busage limit|\bquota\b|\bpremium requests?\b.{0,40}\b(?:limit|exhausted|used)",
    re.IGNORECASE,
)
_FENCE: Final = "```"
_OPENING: Final = re.compile(r"\A`{3,}\s*\n\s*")
_CLOSING: Final = re.compile(r"\s*\n`{3,}[\w+-]*\Z")


def parse_record(_source: Source, context: ChatContext, record: Record) -> tuple[ChatContext, Parsed]:
    """Parses one record. Never raises: what is not understood is counted in `skipped`."""
    read = rawjson.read(RECORD, record.data)
    if isinstance(read, str):
        return context, Parsed(skipped=(rawjson.skipped(None, read, None),))
    if isinstance(read, SkippedRecord):
        return context, Parsed(skipped=(rawjson.skipped("chat", read.why, None),))
    builder = ChatBuilder.of(context, read.chat)
    if builder is None:
        return context, Parsed(skipped=(rawjson.skipped("chat", "no usable id", None),))
    match read:
        case BeginRecord():
            return builder.parsed(_begin(builder, read))
        case RequestRecord():
            _parse_request(builder, read)
        case StateRecord(live=RequestRecord() as live):
            # What is emitted of a live request is emitted again, so nothing is remembered of it but the folder.
            before = builder.thread
            _parse_request(builder, live)
            _parse_state(builder, read)
            builder.remember(last=before.last, last_ms=before.last_ms, info=before.info)
            return builder.context, builder.built()
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


def _parse_request(builder: ChatBuilder, record: RequestRecord) -> None:
    answer = _Answer(builder, record)
    if answer.asked_ms or builder.thread.last_ms:
        answer.parse()
    else:
        builder.count_skipped("chat", "no usable time")


def _parse_state(builder: ChatBuilder, record: StateRecord) -> None:
    """Facts about the session, where they are news."""
    if builder.chat.subagent is not None or not (record.at_ms or builder.thread.last_ms):
        return
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
        at_ms = min(max(record.at_ms, builder.thread.last_ms), LATEST_MS)
        builder.add(info, f"info/{at_ms}/{mark}", at_ms)


@dataclass(slots=True)
class _Answer:
    """One request while its prompt and answer become events of a thread."""

    builder: ChatBuilder
    record: RequestRecord
    state: int | None = field(init=False)
    asked_ms: int = field(init=False)
    ended_ms: int = field(init=False)
    edit_call: str | None = None
    is_new: bool = False
    """The last call creates a file, so that the edit after it does."""
    helpers: int = 0
    """Sub-agents that have answered."""
    result: tuple[int, str] | None = None
    """The number and words of the answer, in the thread of a sub-agent."""

    def __post_init__(self) -> None:
        request = self.record.request
        self.state = state_in(request)
        self.asked_ms = time_of(request.get("timestamp"))
        self.ended_ms = time_of(fields_of(request.get("modelState")).get("completedAt")) or self.asked_ms

    def parse(self) -> None:
        """Adds what has ended: while the answer is written, nothing from the first thing on that may still change."""
        record, child = self.record, self.builder.chat.subagent
        if child is None:
            self._add_prompt()
        for group in groups_in(record.parts):
            kind = group.parts[0].kind
            if kind in EVENT_KINDS or (kind in TEXT_KINDS and not group.is_silent):
                is_settled = self._add_text(group) if kind in TEXT_KINDS else self._add_part(group)
                if not is_settled:
                    return
            elif kind not in QUIET_KINDS | TEXT_KINDS and child is None:
                self.builder.count_skipped(f"part/{kind}", "unknown kind")
        if self.result is not None:
            number, text = self.result
            self._add(AssistantMessage(text=text.strip(), final=True), f"{number}/text", self.asked_ms)
        if child is None and not record.live:
            self._add_end()

    def _add(self, body: AnyBody, key: str, at_ms: int) -> None:
        self.builder.add(body, f"{self.record.ident}/{key}", at_ms)

    def _add_prompt(self) -> None:
        request, record = self.record.request, self.record
        text, command = _typed_in(request.get("message"))
        attachments = sum(text_of(kind) in _ATTACHED for kind in items_of(request.get("attached")))
        if text or command or attachments:
            is_typed = not any(is_given(request.get(name)) for name in _UNTYPED)
            prompt = UserPrompt(
                text=text, command=command, attachments=attachments, actor="human" if is_typed else "model"
            )
            self._add(prompt, "prompt", self.asked_ms)
        for raw in record.queued:
            pending = fields_of(raw)
            waiting = fields_of(pending.get("request"))
            ident = text_of(waiting.get("requestId")) or text_of(pending.get("id"))
            text, _ = _typed_in(waiting.get("message"))
            is_typed = not is_true(fields_of(pending.get("sendOptions")).get("isSystemInitiated"))
            if text and is_typed and 0 < len(ident) <= MAX_ID_CHARS:
                self.builder.add(QueuedPrompt(text=text), f"{ident}/queued", time_of(waiting.get("timestamp")))

    def _add_text(self, group: Group) -> bool:
        """False where it may still grow."""
        is_last = not group.steps_follow
        if self.builder.chat.subagent is not None:
            return True
        if self.record.live and is_last:
            return False
        text = "".join(text_of_part(part) for part in group.parts).strip()
        if group.after_edit and text.count(_FENCE) % 2:
            text = _OPENING.sub("", text)
        if group.before_edit and text.count(_FENCE) % 2:
            text = _CLOSING.sub("", text)
        if text:
            final = (True if self.state == COMPLETE else None) if is_last else False
            aborted = is_last and self.state != COMPLETE and (self.state in ENDED or self.record.open)
            message = AssistantMessage(text=text, final=final, aborted=aborted)
            self._add(message, f"{group.number}/text", self.ended_ms if is_last else self.asked_ms)
        return True

    def _add_part(self, group: Group) -> bool:
        """False where it may still change."""
        part, child = group.parts[0], self.builder.chat.subagent
        if part.tool is not None:
            return self._add_tool(group, part.tool)
        if child is not None:
            return True
        if "tooLong" in part.fields:
            self.builder.count_skipped(f"part/{part.kind}", "too long")
        elif part.kind in EDIT_KINDS:
            if self.record.live and bytes(part.fields.get("done", b"")) == b"false":
                return False
            self._add_edit(group.number, part)
        elif part.kind == "questionCarousel":
            self._add_questions(f"{group.number}", part.fields)
        else:
            self._add_plan(f"{group.number}/plan", part.fields)
        return True

    def _add_tool(self, group: Group, tool: ToolPart) -> bool:
        """A call, and its result where there is one."""
        child = self.builder.chat.subagent
        has_ended = has_result(tool) or self.state == COMPLETE or not (self.state in ENDED or self.record.open)
        # What a sub-agent says is not stored, so of its calls nothing else shows that they ended.
        has_ended = has_ended or (not tool.within and group.speech_follows)
        if tool.starts:
            self._add_helper(tool, has_ended=has_ended)
        if tool.within != (child or ""):
            return True
        if self.record.live and not has_ended:
            return False
        name, call_id = text_of(tool.tool_id), text_of(tool.tool_call_id)
        op = op_of(name)
        if child is None:
            self.edit_call, self.is_new = call_id[:MAX_ID_CHARS] or None, op == "write"
        if not name or len(name) > MAX_NAME_CHARS:
            self.builder.count_skipped("part/tool", "no usable name")
            return True
        self.builder.learn_folder(paths_in(tool))
        number = f"{group.number}"
        at_ms = max(self.asked_ms, time_of(fields_of(tool.data.get("terminalCommandState")).get("timestamp")))
        call = OpenCall(
            id=call_id if 0 < len(call_id) <= MAX_NAME_CHARS else f"{self.record.ident}/{number}",
            name=name,
            op=op,
            subject=subject_of(tool),
            handoff=is_about_handoff(tool),
        )
        self._add(call.as_event(), f"{number}/call", at_ms)
        outcome = outcome_of(op, tool, COMPLETE if has_ended else self.state or PENDING)
        if outcome is not None:
            self._add(call.ended(outcome), f"{number}/result", at_ms)
        plan = todos_in(tool.data.get("todoList"))
        if plan is not None:
            self._add(plan, f"{number}/plan", at_ms)
        return True

    def _add_helper(self, tool: ToolPart, *, has_ended: bool) -> None:
        """The thread of a sub-agent begins with what it was asked, and ends with what it answered."""
        is_own = tool.starts == self.builder.chat.subagent
        if is_own:
            self._add(UserPrompt(text=text_of(tool.data.get("prompt")).strip(), actor="model"), "prompt", self.asked_ms)
        result = text_of(tool.data.get("result"))
        if has_ended and result:
            self.result = (self.helpers, result) if is_own else self.result
            self.helpers += 1

    def _add_edit(self, number: int, part: Part) -> None:
        changes = changes_in(part.kind, part.fields)
        self.builder.learn_folder([change.path for change in changes], are_files=True)
        for place, change in enumerate(changes):
            if self.is_new and change.change == "modify":
                change = msgspec.structs.replace(change, change="add")
            self._add(as_edit(change, self.edit_call), f"{number}/edit{place}", self.asked_ms)
        self.is_new = False

    def _add_questions(self, number: str, fields: Fields) -> None:
        """Questions that a tool put to the user, and the answers. One that was skipped has none."""
        answers = fields_of(fields.get("data"))
        for place, raw in enumerate(items_of(fields.get("questions"))[:MAX_QUESTIONS]):
            question = fields_of(raw)
            message = question.get("message")
            asked = text_of(message) or text_of(fields_of(message).get("value")) or text_of(question.get("title"))
            if not asked:
                continue
            key = f"{number}/{place}"
            call_id = f"{self.record.ident}/{key}"
            listed = map(fields_of, items_of(question.get("options"))[:MAX_QUESTIONS])
            options = {text_of(option.get("id")): text_of(option.get("label")) for option in listed}
            body = Question(call_id=call_id, text=asked, options=tuple(options.values()))
            self._add(body, f"{key}/question", self.asked_ms)
            said = _answer_in(answers.get(text_of(question.get("id"))), options)
            if said:
                self._add(Answer(call_id=call_id, question=asked, text=said), f"{key}/answer", self.asked_ms)

    def _add_plan(self, key: str, fields: Fields) -> None:
        ruling = fields_of(fields.get("data"))
        text = text_of(fields.get("content")).strip() or text_of(fields.get("title"))
        if text:
            accepted = None if not ruling else not is_true(ruling.get("rejected"))
            plan = PlanProposal(call_id=f"{self.record.ident}/{key}", text=text, accepted=accepted)
            self._add(plan, key, self.asked_ms)

    def _add_end(self) -> None:
        result = fields_of(self.record.request.get("result"))
        said = text_of(fields_of(result.get("summary")).get("text")) or text_of(result.get("summary"))
        if summary := without_handoff(said).strip():
            body = AgentSummary(text=summary, source="compaction", parts=parts_by_heading(summary, CHAT_SUMMARY_KINDS))
            self._add(body, f"summary/{digest(summary)}", self.ended_ms)
        at_ms = min(max(self.ended_ms, self.builder.thread.last_ms), LATEST_MS)
        end = _turn_end(self.state, fields_of(result.get("errorDetails")), at_ms)
        if end is not None:
            self._add(end, "end", at_ms)


def _typed_in(message: msgspec.Raw | None) -> tuple[str, str | None]:
    """What was typed into a message, and the slash command before it, if there is one."""
    given = fields_of(message)
    text = text_of(given.get("text"))
    kinds = {text_of(fields_of(part).get("kind")) for part in items_of(given.get("parts"))[:MAX_MESSAGE_PARTS]}
    found = _COMMAND.match(text) if kinds & _COMMANDS else None
    return (text.strip(), None) if found is None else (text[found.end() :].strip(), found[1])


def _answer_in(raw: msgspec.Raw | None, options: dict[str, str]) -> str:
    given = fields_of(raw)
    chosen = [text_of(given.get("selectedValue")), *map(text_of, items_of(given.get("selectedValues")))]
    said = [text_of(raw), *(options.get(value, value) for value in chosen), text_of(given.get("freeformValue"))]
    return ", ".join(filter(None, said))


def _turn_end(state: int | None, error: Fields, at_ms: int) -> TurnEnd | None:
    """How a turn ended that did not end well: at a limit, by an error, or because the user stopped it."""
    message = text_of(error.get("message"))
    limits = (error.get(name) for name in ("isQuotaExceeded", "isRateLimited"))
    if any(map(is_true, limits)) or _LIMIT.search(message):
        return failed_turn(message, at_ms, limited=True)
    if state == CANCELLED or text_of(error.get("code")) in ("canceled", "cancelled"):
        return TurnEnd(reason="interrupted")
    return TurnEnd(reason="error", message=message) if message or state == FAILED else None
