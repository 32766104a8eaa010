"""From the state of a chat to its threads, each a list of requests with their answers.

The main thread holds what the user sees. The calls of a sub-agent name the call that started it, and are a thread of
their own. Of a request only what `vscode_parse` relies on is handed on: the rest may hold many megabytes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from carryover.agents.copilot.vscode_wire import (
    ENDED,
    QUIET_KINDS,
    TOOL_KINDS,
    BeginRecord,
    Chat,
    RequestRecord,
    SkippedRecord,
    StateRecord,
    ToolPart,
    is_given,
    kind_of_part,
    state_in,
)
from carryover.readers.rewritten import NotYet, Piece
from carryover.records import rawjson
from carryover.records.fields import SHORT_CHARS, bounded, digest
from carryover.records.lenient import Fields, fields_of, is_true, items_of, read_as, text_of, time_of

MAX_REQUESTS: Final = 5_000
MAX_PARTS: Final = 20_000
"""Of one answer."""
MAX_PART_BYTES: Final = 8 << 20
MAX_DETAILS_BYTES: Final = 1 << 20
MAX_SUBAGENTS: Final = 200
MAX_ID_CHARS: Final = 100

_ID: Final = re.compile(r"[\w-]{1,100}")
_FROM: Final = re.compile(r"[^/]+/")
_KEPT: Final = (
    "timestamp",
    "message",
    "modelState",
    "isCanceled",
    "confirmation",
    "requestSource",
    "isSystemInitiated",
    "requestHiddenFromTranscript",
)
"""Fields of a request that are handed on as they are."""


@dataclass(slots=True)
class Thread:
    """The main conversation of a chat, or one of its sub-agents. See `carryover.readers.rewritten.Conversation`."""

    chat: Chat
    at_ms: int = 0
    requests: list[tuple[str, bytes]] = field(default_factory=list)
    live: RequestRecord | None = None
    """The last request, whose answer is being written: emitted with the state, again and again."""
    state: StateRecord | SkippedRecord | None = None
    rests_ms: int | None = None

    @property
    def ident(self) -> str:
        """Names it among the threads of its chat."""
        return self.chat.thread

    @property
    def mark(self) -> str:
        """Another one whenever it has changed."""
        return digest(msgspec.json.encode((self.pieces, self.live, self.state)))

    @property
    def pieces(self) -> list[Piece]:
        """Its requests, and a place for the one that is live."""
        awaited: list[Piece] = [("rest", "")] if self.rests_ms is not None else []
        return [(name, hashlib.blake2b(data, digest_size=8).hexdigest()) for name, data in self.requests] + awaited

    def add(self, record: RequestRecord, rests_ms: int | None) -> None:
        """Adds a request. `rests_ms`: when it is taken as it is, if it is live."""
        record = msgspec.structs.replace(record, chat=self.chat)
        if record.live:
            self.live, self.rests_ms = record, rests_ms
        else:
            self.requests.append((record.ident, msgspec.json.encode(record)))

    def begin(self, *, on: bool, more: bool) -> bytes | None:
        """The record before the requests."""
        if isinstance(self.state, SkippedRecord):
            return None
        return msgspec.json.encode(BeginRecord(chat=self.chat, at_ms=self.at_ms, on=on, more=more))

    def piece(self, number: int) -> bytes | None:
        """The record of a request. Raises NotYet for a live one."""
        if number == len(self.requests):
            raise NotYet
        return self.requests[number][1]

    def end(self, emitted: int) -> bytes | None:
        """What is known of the chat as a whole, or why it is not read."""
        state = self.state
        if self.live is not None and not isinstance(state, SkippedRecord):
            state = msgspec.structs.replace(state or StateRecord(chat=self.chat, place=self.live.place), live=self.live)
            return msgspec.json.encode(state)
        is_told = state is not None and (emitted > 0 or isinstance(state, SkippedRecord))
        return msgspec.json.encode(state) if is_told else None


def threads_of(state: Fields, session: str, folders: tuple[str, ...], rests_ms: int | None) -> list[Thread]:
    """The threads of a chat, the main one first. `session`: its id where the state has none. `rests_ms`: when an answer
    that has not ended is taken as it is; None: now."""
    given = [fields_of(raw) for raw in items_of(state.get("requests"))[:MAX_REQUESTS]]
    main = Thread(
        Chat(session=_session_of(state, given) or session, folders=folders), time_of(state.get("creationDate"))
    )
    threads = {"": main}
    kept = [request for request in map(_as_kept, given) if request]
    for place, request in enumerate(kept, start=1):
        is_last = place == len(kept)
        is_open = is_last and state_in(request) not in ENDED
        named, parts = text_of(request.get("requestId")), list(_parts_of(request))
        record = RequestRecord(
            chat=main.chat,
            ident=named if 0 < len(named) <= MAX_ID_CHARS else digest(named or msgspec.json.encode(request)),
            place=place,
            request=_slim(request),
            parts=tuple(raw for raw, _ in parts),
            open=is_open,
            live=is_open and rests_ms is not None,
            queued=tuple(items_of(state.get("pendingRequests"))) if is_last else (),
        )
        main.add(record, rests_ms)
        children = (name for _, tool in parts if tool is not None for name in (tool.within, tool.starts))
        for child in dict.fromkeys(filter(None, children)):
            if child not in threads and (len(child) > MAX_ID_CHARS or len(threads) > MAX_SUBAGENTS):
                continue
            chat = msgspec.structs.replace(main.chat, subagent=child)
            own = tuple(_as_of(child, raw, tool) for raw, tool in parts)
            thread = threads.setdefault(child, Thread(chat, time_of(request.get("timestamp"))))
            thread.add(msgspec.structs.replace(record, parts=own, queued=()), rests_ms)
    main.state = _state_record(main, state, kept)
    return list(threads.values())


def _session_of(state: Fields, requests: Sequence[Fields]) -> str | None:
    """The id of a chat; an export has it only in what Copilot noted of its answers, if at all."""
    metadata = (fields_of(fields_of(request.get("result")).get("metadata")) for request in requests)
    named = (text_of(fields.get("sessionId")) for fields in (state, *metadata))
    return next((name for name in named if _ID.fullmatch(name)), None)


def _as_kept(request: Fields) -> Fields | None:
    """A request without what the user retracted: all of it, or what came after a point in its answer."""
    removed = request.get("shouldBeRemovedOnSend")
    if is_true(request.get("hiddenFromTranscript")):
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


def _slim(request: Fields) -> Fields:
    """The fields of a request that are needed: of what was attached the kinds, of the result the error and the summary
    of a compaction."""
    kinds = [
        text_of(fields_of(raw).get("kind")) for raw in items_of(fields_of(request.get("variableData")).get("variables"))
    ]
    result = fields_of(request.get("result"))
    summary = fields_of(result.get("metadata")).get("summary")
    outcome = {name: result[name] for name in ("errorDetails",) if name in result}
    if summary is not None and len(summary) <= MAX_DETAILS_BYTES:
        outcome["summary"] = summary
    elif result:
        outcome.setdefault("given", msgspec.Raw(b"true"))
    return {
        **{name: request[name] for name in _KEPT if name in request},
        "attached": msgspec.Raw(msgspec.json.encode(kinds)),
        "result": msgspec.Raw(msgspec.json.encode(outcome)),
    }


def _parts_of(request: Fields) -> Iterator[tuple[msgspec.Raw, ToolPart | None]]:
    """The parts of a request's answer without what is not needed of them, and which calls they are."""
    for raw in items_of(request.get("response"))[:MAX_PARTS]:
        kind = "" if text_of(raw) else kind_of_part(fields_of(raw))
        if kind in QUIET_KINDS:
            yield _only(kind), None
            continue
        tool = (read_as(raw, ToolPart) or ToolPart()) if kind in TOOL_KINDS else None
        if tool is not None and len(raw) > MAX_DETAILS_BYTES // 8:
            if len(tool.result_details) > MAX_DETAILS_BYTES:
                tool = msgspec.structs.replace(tool, result_details=rawjson.ABSENT)
            raw = msgspec.Raw(msgspec.json.encode(tool))
        yield (raw if len(raw) <= MAX_PART_BYTES else _only(kind, tooLong=True)), tool


def _as_of(child: str, raw: msgspec.Raw, tool: ToolPart | None) -> msgspec.Raw:
    """A part as a sub-agent's thread needs it: what others did is only counted."""
    kind = "" if text_of(raw) else kind_of_part(fields_of(raw))
    return raw if kind == "" or (tool is not None and (tool.within == child or tool.starts)) else _only(kind)


def _only(kind: str, **more: bool) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode({"kind": kind, **more}))


def _state_record(main: Thread, state: Fields, requests: Sequence[Fields]) -> StateRecord:
    models = (text_of(request.get("modelId")) for request in reversed(requests))
    versions = (text_of(fields_of(request.get("agent")).get("extensionVersion")) for request in reversed(requests))
    return StateRecord(
        chat=main.chat,
        at_ms=main.at_ms,
        place=max(len(requests), 1),
        title=bounded(text_of(state.get("customTitle")), SHORT_CHARS),
        model=bounded(_FROM.sub("", next(filter(None, models), ""), count=1), SHORT_CHARS),
        version=bounded(next(filter(None, versions), ""), SHORT_CHARS),
        branch=bounded(text_of(fields_of(state.get("repoData")).get("localBranch")), SHORT_CHARS),
        rests=bool(requests) and state_in(requests[-1]) in ENDED,
    )
