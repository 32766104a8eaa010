"""From the state of a chat to its threads, each a list of items in order: prompts, texts, tool calls, edits, ends.

The main thread holds what the user sees. The calls of a sub-agent name the call that started it, and are a thread of
their own. What a request may still change is `is_open`: the reader holds it back for a while.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from carryover.agents.copilot.vscode_parts import (
    MAX_DETAILS_BYTES,
    Group,
    Part,
    groups_of,
    has_result,
    parts_of,
    placed,
)
from carryover.agents.copilot.vscode_tools import op_of
from carryover.agents.copilot.vscode_wire import (
    CANCELLED,
    COMPLETE,
    EDIT_KINDS,
    EVENT_KINDS,
    FAILED,
    PENDING,
    QUIET_KINDS,
    TEXT_KINDS,
    AnyRecord,
    Chat,
    EndRecord,
    PartRecord,
    PromptRecord,
    SkippedRecord,
    StateRecord,
    TextRecord,
    ToolPart,
    encoded,
    is_given,
    state_in,
)
from carryover.records import rawjson
from carryover.records.fields import SHORT_CHARS, bounded, digest
from carryover.records.lenient import Fields, fields_of, is_true, items_of, text_of, time_of

MAX_REQUESTS: Final = 5_000
MAX_PART_BYTES: Final = 8 << 20
MAX_SUBAGENTS: Final = 200
MAX_ID_CHARS: Final = 100
ID: Final = re.compile(r"[\w-]{1,100}")
"""Of a chat."""

_ENDED: Final = (COMPLETE, CANCELLED, FAILED)
_FROM: Final = re.compile(r"[^/]+/")


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of a thread. `is_open`: it may still change, and so may all after it."""

    ident: str
    record: AnyRecord
    is_open: bool = False


@dataclass(slots=True)
class Thread:
    """The main conversation of a chat, or one of its sub-agents."""

    chat: Chat
    at_ms: int
    items: list[Item] = field(default_factory=list)
    state: StateRecord | SkippedRecord | None = None

    def add(self, ident: str, record: AnyRecord, *, is_open: bool = False) -> None:
        """Adds an item."""
        self.items.append(Item(ident, record, is_open))


def threads_of(state: Fields, session: str, folders: tuple[str, ...]) -> list[Thread]:
    """The threads of a chat, the main one first. `session`: its id where the state has none."""
    requests = [fields_of(raw) for raw in items_of(state.get("requests"))[:MAX_REQUESTS]]
    chat = Chat(session=session_of(state, requests) or session, folders=folders)
    at_ms = time_of(state.get("creationDate"))
    main = Thread(chat, at_ms)
    threads = {"": main}
    kept = [request for request in map(_as_kept, requests) if request]
    for number, request in enumerate(kept):
        answer = _Answer(threads, request, is_last=number + 1 == len(kept))
        queued = items_of(state.get("pendingRequests")) if number + 1 == len(kept) else ()
        answer.add_all(queued)
    main.state = _state_record(main, state, kept)
    return list(threads.values())


def session_of(state: Fields, requests: Sequence[Fields]) -> str | None:
    """The id of a chat; an export has it only in what Copilot noted of its answers, if at all."""
    metadata = (fields_of(fields_of(request.get("result")).get("metadata")) for request in requests)
    named = (text_of(fields.get("sessionId")) for fields in (state, *metadata))
    return next((name for name in named if ID.fullmatch(name)), None)


def _as_kept(request: Fields) -> Fields | None:
    """A request without what the user retracted: all of it, or what came after a point in its answer."""
    removed = request.get("shouldBeRemovedOnSend")
    if is_true(request.get("isHidden")) or is_true(request.get("hiddenFromTranscript")):
        return None
    if not is_given(removed):
        return request
    stop = text_of(fields_of(removed).get("afterUndoStop"))
    parts = items_of(request.get("response"))
    at = next((n for n, part in enumerate(parts) if stop and text_of(fields_of(part).get("id")) == stop), None)
    if at is None:
        return None
    kept = msgspec.Raw(msgspec.json.encode(parts[:at]))
    return {**request, "response": kept, "modelState": msgspec.Raw(b'{"value":1}')}


@dataclass(slots=True)
class _Answer:
    """One request while its items are added."""

    threads: dict[str, Thread]
    request: Fields
    is_last: bool
    ident: str = field(init=False)
    state: int | None = field(init=False)
    asked_ms: int = field(init=False)
    ended_ms: int = field(init=False)
    edit_call: str | None = None
    is_new: bool = False
    subagents: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        given = text_of(self.request.get("requestId"))
        self.ident = given if 0 < len(given) <= MAX_ID_CHARS else digest(given or msgspec.json.encode(self.request))
        self.state = state_in(self.request)
        self.asked_ms = time_of(self.request.get("timestamp"))
        self.ended_ms = time_of(fields_of(self.request.get("modelState")).get("completedAt")) or self.asked_ms

    @property
    def is_open(self) -> bool:
        return self.is_last and self.state not in _ENDED

    def add_all(self, queued: Iterable[msgspec.Raw]) -> None:
        main = self.threads[""]
        main.add(self.ident, self._prompt(main.chat))
        for raw in queued:
            _add_queued(main, fields_of(raw))
        for group in placed(groups_of(parts_of(self.request))):
            self._add(group)
        for number, (child, result) in enumerate(self.subagents):
            thread = self.threads[child]
            parts = (msgspec.Raw(msgspec.json.encode(result)),)
            answer = TextRecord(
                chat=thread.chat, at_ms=self.asked_ms, request=self.ident, number=number, parts=parts, final=True
            )
            thread.add(f"{self.ident}/{number}/result", answer)
        end = EndRecord(
            chat=main.chat,
            at_ms=self.ended_ms,
            request=self.ident,
            state=self.state,
            result=_outcome(self.request.get("result", rawjson.ABSENT)),
        )
        main.add(f"{self.ident}/end", end, is_open=self.is_open)

    def _prompt(self, chat: Chat) -> PromptRecord:
        given = self.request
        untyped = ("confirmation", "requestSource", "isSystemInitiated", "requestHiddenFromTranscript")
        return PromptRecord(
            chat=chat,
            at_ms=self.asked_ms,
            request=self.ident,
            message=given.get("message", rawjson.ABSENT),
            variables=_attached(given.get("variableData")),
            typed=not any(is_given(given.get(name)) for name in untyped),
        )

    def _add(self, group: Group) -> None:
        kind = group.parts[0].kind
        if kind in TEXT_KINDS:
            self._add_text(group)
        elif kind in EVENT_KINDS:
            self._add_part(group)
        elif kind not in QUIET_KINDS:
            passed = SkippedRecord(what=f"part/{kind}", why="unknown kind")
            self.threads[""].add(f"{self.ident}/{group.number}", passed)

    def _add_text(self, group: Group) -> None:
        if group.is_silent:
            return
        main, is_last = self.threads[""], not group.steps_follow
        final = (True if self.state == COMPLETE else None) if is_last else False
        record = TextRecord(
            chat=main.chat,
            at_ms=self.ended_ms if is_last else self.asked_ms,
            request=self.ident,
            number=group.number,
            parts=tuple(part.raw for part in group.parts),
            after_edit=group.after_edit,
            before_edit=group.before_edit,
            final=final,
            aborted=is_last and self.state != COMPLETE and (self.state in _ENDED or self.is_last),
        )
        main.add(f"{self.ident}/{group.number}", record, is_open=self.is_open and is_last)

    def _add_part(self, group: Group) -> None:
        main, part = self.threads[""], group.parts[0]
        if part.tool is None:
            is_open = self.is_open and (part.kind in EDIT_KINDS and bytes(part.fields.get("done", b"")) == b"false")
            record = self._record(main.chat, group.number, part, self.state or PENDING, self.asked_ms)
            main.add(f"{self.ident}/{group.number}", record, is_open=is_open)
            return
        child = text_of(part.tool.sub_agent_invocation_id)
        thread = self._thread(child)
        if thread is None:
            return
        has_ended = has_result(part.tool) or self.state == COMPLETE or not self.is_last
        # What a sub-agent says is not stored, so of its calls nothing else shows that they ended.
        has_ended = has_ended or (not child and group.speech_follows)
        state = COMPLETE if has_ended else self.state or PENDING
        terminal = fields_of(part.tool.data.get("terminalCommandState"))
        at_ms = max(self.asked_ms, time_of(terminal.get("timestamp")))
        record = self._record(thread.chat, group.number, part, state, at_ms)
        thread.add(f"{self.ident}/{group.number}", record, is_open=self.is_open and not has_ended)
        if not child:
            self.edit_call = text_of(part.tool.tool_call_id)[:MAX_ID_CHARS] or None
            self.is_new = op_of(text_of(part.tool.tool_id)) == "write"
            self._start_subagent(part.tool, has_ended=has_ended)

    def _start_subagent(self, tool: ToolPart, *, has_ended: bool) -> None:
        """The thread of a sub-agent begins with what it was asked, and ends with what it answered."""
        data, child = tool.data, text_of(tool.tool_call_id)
        prompt, result = text_of(data.get("prompt")), text_of(data.get("result"))
        thread = self._thread(child) if text_of(data.get("kind")) == "subagent" and prompt else None
        if thread is None or thread.chat.subagent is None:
            return
        message = msgspec.Raw(msgspec.json.encode(prompt))
        asked = PromptRecord(chat=thread.chat, at_ms=self.asked_ms, request=self.ident, message=message, typed=False)
        thread.add(f"{self.ident}/{child}/prompt", asked)
        if has_ended and result:
            self.subagents.append((child, result))

    def _record(self, chat: Chat, number: int, part: Part, state: int, at_ms: int) -> AnyRecord:
        raw = part.slim()
        if len(raw) > MAX_PART_BYTES:
            return SkippedRecord(what=f"part/{part.kind}", why="too long")
        record = PartRecord(chat=chat, at_ms=at_ms, request=self.ident, number=number, part=raw, state=state)
        if part.kind not in EDIT_KINDS:
            return record
        edited = msgspec.structs.replace(record, call_id=self.edit_call, is_new=self.is_new)
        self.is_new = False
        return edited

    def _thread(self, child: str) -> Thread | None:
        """The thread of a sub-agent, or the main one; None where there are more than anybody would read."""
        main = self.threads[""]
        if not child:
            return main
        if child not in self.threads:
            if len(child) > MAX_ID_CHARS or len(self.threads) > MAX_SUBAGENTS:
                return None
            chat = msgspec.structs.replace(main.chat, subagent=child)
            self.threads[child] = Thread(chat, self.asked_ms)
        return self.threads[child]


def mark_of(item: Item) -> str:
    """Another one when what the item becomes is another."""
    return hashlib.blake2b(encoded(item.record), digest_size=8).hexdigest()


def _add_queued(main: Thread, pending: Fields) -> None:
    request = fields_of(pending.get("request"))
    given = text_of(request.get("requestId")) or text_of(pending.get("id"))
    if not 0 < len(given) <= MAX_ID_CHARS:
        return
    options = fields_of(pending.get("sendOptions"))
    record = PromptRecord(
        chat=main.chat,
        at_ms=time_of(request.get("timestamp")),
        request=given,
        message=request.get("message", rawjson.ABSENT),
        typed=not is_true(options.get("isSystemInitiated")),
        queued=True,
    )
    main.add(f"{given}/queued", record)


def _attached(raw: msgspec.Raw | None) -> msgspec.Raw:
    """The kinds of what was attached, without the content."""
    kinds = [text_of(fields_of(entry).get("kind")) for entry in items_of(fields_of(raw).get("variables"))]
    return msgspec.Raw(msgspec.json.encode(kinds)) if kinds else rawjson.ABSENT


def _outcome(result: msgspec.Raw) -> msgspec.Raw:
    """Of a result, the error and the summary of a compaction; the rest may hold megabytes."""
    given = fields_of(result)
    kept = {"errorDetails": given["errorDetails"]} if "errorDetails" in given else {}
    summary = fields_of(given.get("metadata")).get("summary")
    if summary is not None and len(summary) <= MAX_DETAILS_BYTES:
        kept["summary"] = summary
    return msgspec.Raw(msgspec.json.encode(kept)) if kept else rawjson.ABSENT


def _state_record(main: Thread, state: Fields, requests: Sequence[Fields]) -> StateRecord:
    last = requests[-1] if requests else {}
    models = (text_of(request.get("modelId")) for request in reversed(requests))
    versions = (text_of(fields_of(request.get("agent")).get("extensionVersion")) for request in reversed(requests))
    title = text_of(state.get("customTitle")) or text_of(state.get("computedTitle"))
    return StateRecord(
        chat=main.chat,
        at_ms=main.at_ms,
        title=bounded(title, SHORT_CHARS),
        model=bounded(_FROM.sub("", next(filter(None, models), ""), count=1), SHORT_CHARS),
        version=bounded(next(filter(None, versions), ""), SHORT_CHARS),
        branch=bounded(text_of(fields_of(state.get("repoData")).get("localBranch")), SHORT_CHARS),
        rests=state_in(last) in _ENDED if last else False,
    )
