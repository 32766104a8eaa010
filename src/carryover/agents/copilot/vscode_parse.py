"""Turns the records of a VS Code chat into events. Format facts: FACTS.md."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import msgspec

from carryover.adapter.contract import Parsed, Record, Reemitted, Source
from carryover.adapter.event_builder import EventBuilder, OpenCall, reemitted_after
from carryover.agents.copilot import vscode_calls
from carryover.agents.copilot.context import ChatContext
from carryover.agents.copilot.tools import op_of, todos_in
from carryover.agents.copilot.vscode_wire import (
    CANCELLED,
    COMPLETE,
    ENDED,
    EVENT_KINDS,
    FAILED,
    PENDING,
    QUIET_KINDS,
    RECORD,
    TEXT_KINDS,
    TOOL_KINDS,
    WITHIN_TEXT,
    BeginRecord,
    Chat,
    RequestRecord,
    SkippedRecord,
    StateRecord,
    is_given,
    kind_of_part,
    state_of,
)
from carryover.model import (
    Actor,
    Answer,
    AnyBody,
    AssistantMessage,
    Question,
    SessionInfo,
    TurnEnd,
    UserPrompt,
)
from carryover.records import rawjson
from carryover.records.changes import as_edit
from carryover.records.fields import LATEST_MS, MAX_NAME_CHARS, MAX_PATH_CHARS, digest, is_absolute
from carryover.records.lenient import Fields, fields_of, is_true, items_of, text_of, time_of
from carryover.records.resets import failed_turn, names_limit

_MAX_QUESTIONS: Final = 10
_TEXT: Final = "text"
_ATTACHED: Final = frozenset(("file", "directory", "image", "paste"))
"""Kinds of attachments that a user adds to a prompt; other kinds are added automatically."""
_COMMANDS: Final = frozenset(("slash", "subcommand", "prompt"))
_COMMAND: Final = re.compile(r"\A\s*(?:@[\w-]+\s+)?(/[\w:.-]+)(?:\s+|\Z)")
_FENCE: Final = "```"
_BORDER: Final = re.compile(r"\A`{3,}\s*(?:\n\s*|\Z)|(?:\s*\n|\A)`{3,}[\w+-]*\Z")
"""The end of a code block at the start of a text, or the start of one at its end."""


@dataclass(slots=True, kw_only=True)
class ChatBuilder(EventBuilder[ChatContext]):
    """Builds the events of one record."""

    chat: Chat

    def add(self, body: AnyBody, key: str, at_ms: int) -> None:
        """Adds an event, dated no earlier than the one before it.

        Its key begins with the chat, since an imported chat may repeat the requests of another.
        """
        self.at_ms = min(max(at_ms, self.context.last_ms), LATEST_MS)
        self.append(f"{self.chat.session}/{key}", body, session=self.chat.session, cwd=self.folder)
        self.change(last_ms=self.at_ms, last=self.last_key)

    @property
    def folder(self) -> str | None:
        """The folder that the chat works in; None while it is unknown."""
        folders = self.chat.folders
        return folders[0] if len(folders) == 1 else self.context.folder

    def learn_folder(self, paths: Iterable[str], *, are_files: bool = False) -> None:
        """Remembers the chat's folder, taken from the first file it names if its window has several folders or none."""
        folders = self.chat.folders
        for path in paths if self.folder is None else ():
            holding = [folder for folder in folders if f"{path}/".startswith(f"{folder.rstrip('/')}/")]
            nearest = posixpath.dirname(path) if are_files and not folders else None
            if found := max(holding, key=len, default=nearest):
                self.change(folder=found)
                return


def parse_record(_source: Source, context: ChatContext, record: Record) -> tuple[ChatContext, Parsed]:
    """Parses one record. Never raises: what is not understood is counted in `skipped`."""
    read = rawjson.read(RECORD, record.data)
    if isinstance(read, str):
        return context, Parsed(skipped=(rawjson.skipped(None, read, None),))
    if isinstance(read, SkippedRecord):
        return context, Parsed(skipped=(rawjson.skipped("chat", read.why, None),))
    if not 0 < len(read.chat.session) <= MAX_NAME_CHARS:
        return context, Parsed(skipped=(rawjson.skipped("chat", "no usable id", None),))
    folders = tuple(path for path in read.chat.folders if is_absolute(path) and len(path) <= MAX_PATH_CHARS)
    builder = ChatBuilder(context=context, chat=msgspec.structs.replace(read.chat, folders=folders))
    reemitted = None
    if isinstance(read, BeginRecord):
        reemitted = _begin(builder, read)
    elif isinstance(read, RequestRecord):
        _Answer(builder, read).parse()
    else:
        if read.live is not None:
            _Answer(builder, read.live, live=True).parse()
        _parse_state(builder, read)
        if read.live is not None:
            # What is emitted of a live request is emitted again, so nothing is remembered of it but the folder.
            builder.context = msgspec.structs.replace(context, folder=builder.context.folder)
    return builder.context, builder.built(reemitted)


def _begin(builder: ChatBuilder, record: BeginRecord) -> Reemitted | None:
    """Marks what is emitted again: the events after the last one, or all of them if anything before it changed."""
    if not record.on:
        builder.context = ChatContext(last_ms=min(max(record.at_ms, 0), LATEST_MS))
    elif not builder.context.last_ms:
        return None  # the context is lost
    return reemitted_after(builder.context.last, session=builder.chat.session, more=record.more)


def _parse_state(builder: ChatBuilder, record: StateRecord) -> None:
    """Emits the facts about the session that are new."""
    if not (record.at_ms or builder.context.last_ms):
        return
    if record.live is None and builder.folder is None and builder.chat.folders:
        # The turn is over and named no file: the window's first folder will do.
        builder.change(folder=builder.chat.folders[0], info=0)
    info = SessionInfo(
        title=record.title or None,
        agent_version=record.version or None,
        model=record.model or None,
        branch=record.branch or None,
    )
    mark = int(digest(f"{builder.folder} {info}")[:12], 16)
    if mark != builder.context.info:
        builder.change(info=mark)
        at_ms = min(max(record.at_ms, builder.context.last_ms), LATEST_MS)
        builder.add(info, f"info/{at_ms}/{mark}", at_ms)


class _Answer:
    """Turns one request, prompt and answer, into events. `live`: the answer has not ended."""

    def __init__(self, builder: ChatBuilder, record: RequestRecord, *, live: bool = False) -> None:
        self.builder, self.ident, self.live, self.request = builder, record.ident, live, record.request
        self.state = state_of(self.request)
        self.asked_ms = time_of(self.request.get("timestamp"))
        self.ended_ms = time_of(fields_of(self.request.get("modelState")).get("completedAt")) or self.asked_ms
        self.edit_call: str | None = None
        self.is_new = False
        """Whether the last call creates a file, so that the following edit does."""

    def parse(self) -> None:
        """Adds the prompt, what the model said and did, and how the turn ended if it has."""
        if not (self.asked_ms or self.builder.context.last_ms):
            self.builder.count_skipped("chat", "no usable time")
            return
        self._add_prompt()
        groups = _groups(items_of(self.request.get("response")))
        last = max((n for n, (kind, _, text) in enumerate(groups) if kind in EVENT_KINDS or text), default=-1)
        spoken = max((n for n, (kind, *_) in enumerate(groups) if kind in (_TEXT, "thinking")), default=-1)
        for number, (kind, fields, text) in enumerate(groups):
            if kind == _TEXT:
                self._add_text(number, text, is_last=number == last)
            elif "tooLong" in fields:
                self.builder.count_skipped(f"part/{kind}", "too long")
            elif kind in TOOL_KINDS:
                # The model had the results of all calls before what it thinks or says.
                self._add_tool(number, fields, spoke_after=number < spoken)
            elif kind == "textEditGroup":
                self._add_edit(number, fields)
            elif kind == "questionCarousel":
                self._add_questions(number, fields)
            elif kind not in QUIET_KINDS:
                self.builder.count_skipped(f"part/{kind}", "unknown kind")
        if not self.live:
            self._add_end()

    def _add(self, body: AnyBody, key: str, at_ms: int | None = None) -> None:
        self.builder.add(body, f"{self.ident}/{key}", self.asked_ms if at_ms is None else at_ms)

    def _add_prompt(self) -> None:
        text, command = _typed_in(fields_of(self.request.get("message")))
        attachments = sum(text_of(kind) in _ATTACHED for kind in items_of(self.request.get("attached")))
        # A button or the editor may send one too.
        others = ("confirmation", "requestSource", "isSystemInitiated", "requestHiddenFromTranscript")
        was_typed = not any(is_given(self.request.get(name)) for name in others)
        if text or command or attachments:
            actor: Actor = "human" if was_typed else "model"
            self._add(UserPrompt(text=text, command=command, attachments=attachments, actor=actor), "prompt")

    def _add_text(self, number: int, text: str, *, is_last: bool) -> None:
        if text:
            final = (True if self.state == COMPLETE else None) if is_last else False
            aborted = is_last and (self.live or self.state in (CANCELLED, FAILED))
            message = AssistantMessage(text=text, final=final, aborted=aborted)
            self._add(message, f"{number}/text", self.ended_ms if is_last else None)

    def _add_tool(self, number: int, tool: Fields, *, spoke_after: bool) -> None:
        """Adds a call, and its result if there is one."""
        name, call_id = text_of(tool.get("toolId")), text_of(tool.get("toolCallId"))
        op, data = op_of(name), fields_of(tool.get("toolSpecificData"))
        self.edit_call, self.is_new = call_id[:MAX_NAME_CHARS] or None, op == "write"
        if not name or len(name) > MAX_NAME_CHARS:
            self.builder.count_skipped("part/tool", "no usable name")
            return
        self.builder.learn_folder(vscode_calls.paths_in(tool))
        at_ms = max(self.asked_ms, time_of(fields_of(data.get("terminalCommandState")).get("timestamp")))
        call = OpenCall(
            id=self.edit_call or f"{self.ident}/{number}",
            name=name,
            op=op,
            subject=vscode_calls.subject_of(op, tool),
            handoff=vscode_calls.is_about_handoff(op, tool),
        )
        self._add(call.as_event(), f"{number}/call", at_ms)
        has_ended = vscode_calls.has_result(tool) or spoke_after or not (self.state in ENDED or self.live)
        outcome = vscode_calls.outcome_of(op, tool, COMPLETE if has_ended else self.state or PENDING)
        if outcome is not None:
            self._add(call.ended(outcome), f"{number}/result", at_ms)
        plan = todos_in(data.get("todoList"))
        if plan is not None:
            self._add(plan, f"{number}/plan", at_ms)

    def _add_edit(self, number: int, fields: Fields) -> None:
        change = vscode_calls.change_in(fields)
        if change is not None:
            self.builder.learn_folder([change.path], are_files=True)
            change = msgspec.structs.replace(change, change="add") if self.is_new else change
            self._add(as_edit(change, self.edit_call), f"{number}/edit0")
        self.is_new = False

    def _add_questions(self, number: int, fields: Fields) -> None:
        """Adds the questions that a tool asked the user, and the answers. A skipped question has none."""
        answers = fields_of(fields.get("data"))
        for place, question in enumerate(map(fields_of, items_of(fields.get("questions"))[:_MAX_QUESTIONS])):
            message = question.get("message")
            asked = text_of(message) or text_of(fields_of(message).get("value")) or text_of(question.get("title"))
            if not asked:
                continue
            key = f"{number}/{place}"
            call_id = f"{self.ident}/{key}"
            listed = map(fields_of, items_of(question.get("options"))[:_MAX_QUESTIONS])
            options = {text_of(option.get("id")): text_of(option.get("label")) for option in listed}
            self._add(Question(call_id=call_id, text=asked, options=tuple(options.values())), f"{key}/question")
            if said := _answer_in(answers.get(text_of(question.get("id"))), options):
                self._add(Answer(call_id=call_id, question=asked, text=said), f"{key}/answer")

    def _add_end(self) -> None:
        result = fields_of(self.request.get("result"))
        at_ms = min(max(self.ended_ms, self.builder.context.last_ms), LATEST_MS)
        end = _turn_end(self.state, fields_of(result.get("errorDetails")), at_ms)
        if end is not None:
            self._add(end, "end", at_ms)


def _groups(raws: list[msgspec.Raw]) -> list[tuple[str, Fields, str]]:
    """Returns the parts of an answer with their kinds. Consecutive parts of a text are merged into just that text."""
    found: list[tuple[str, Fields, str]] = []
    for raw in raws:
        fields = {} if text_of(raw) else fields_of(raw)
        kind = "" if text_of(raw) else kind_of_part(fields)
        if kind in TEXT_KINDS:
            before = found.pop()[2] if found and found[-1][0] == _TEXT else ""
            found.append((_TEXT, {}, before + (text_of(raw) or _text_of_part(fields))))
        elif kind not in WITHIN_TEXT:
            found.append((kind, fields, ""))
    return [(kind, fields, _without_borders(text.strip())) for kind, fields, text in found]


def _text_of_part(fields: Fields) -> str:
    """Returns the Markdown of a part; for a reference, its name or the file's name."""
    if reference := fields_of(fields.get("inlineReference")):
        uri = fields_of(fields_of(reference.get("location")).get("uri")) or fields_of(reference.get("uri")) or reference
        named = text_of(fields.get("name")) or text_of(reference.get("name"))
        return f"`{named or posixpath.basename(text_of(uri.get('path')))}`"
    return text_of(fields.get("value")) or text_of(fields_of(fields.get("content")).get("value"))


def _without_borders(text: str) -> str:
    """Returns a text without the fence of a code block, at either end, whose content became an edit."""
    return _BORDER.sub("", text, count=1) if text.count(_FENCE) % 2 else text


def _typed_in(message: Fields) -> tuple[str, str | None]:
    """Returns the text typed into a message and the slash command before it, if there is one."""
    text = text_of(message.get("text"))
    kinds = {text_of(fields_of(part).get("kind")) for part in items_of(message.get("parts"))}
    found = _COMMAND.match(text) if kinds & _COMMANDS else None
    return (text.strip(), None) if found is None else (text[found.end() :].strip(), found[1])


def _answer_in(raw: msgspec.Raw | None, options: dict[str, str]) -> str:
    given = fields_of(raw)
    chosen = [text_of(given.get("selectedValue")), *map(text_of, items_of(given.get("selectedValues")))]
    said = [text_of(raw), *(options.get(value, value) for value in chosen), text_of(given.get("freeformValue"))]
    return ", ".join(filter(None, said))


def _turn_end(state: int | None, error: Fields, at_ms: int) -> TurnEnd | None:
    """Returns how a turn ended badly: at a limit, by an error, or stopped by the user."""
    message = text_of(error.get("message"))
    if any(is_true(error.get(name)) for name in ("isQuotaExceeded", "isRateLimited")) or names_limit(message):
        return failed_turn(message, at_ms, limited=True)
    if state == CANCELLED or text_of(error.get("code")) in ("canceled", "cancelled"):
        return TurnEnd(reason="interrupted")
    return TurnEnd(reason="error", message=message) if message or state == FAILED else None
