"""From the records of the editor's databases to events: one record in, the new context and what it became."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from carryover.adapter.contract import Folded, Record, Source
from carryover.agents.cursor.context import EditorContext
from carryover.agents.cursor.editor.draft import PARTS, Draft, key_of
from carryover.agents.cursor.editor.records import (
    AnyRecord,
    BubbleRecord,
    PassedByRecord,
    StateRecord,
    TakenBackRecord,
)
from carryover.agents.cursor.editor.tools import fold_tool
from carryover.agents.cursor.editor.wire import ASSISTANT, USER, name_of
from carryover.agents.cursor.terms.outcomes import turn_end
from carryover.agents.cursor.terms.todos import as_update, todos_in
from carryover.model import AgentSummary, AssistantMessage, TurnEnd, Undone, UserPrompt
from carryover.records import rawjson
from carryover.records.identity import digest
from carryover.records.text import without_handoff

_RECORD: Final[msgspec.json.Decoder[AnyRecord]] = msgspec.json.Decoder(AnyRecord)
_DEEPEST: Final = 4


class WireError(msgspec.Struct, frozen=True):
    """`errorDetails` of a bubble, and what may stand in it; the names are unverified."""

    message: msgspec.Raw = rawjson.ABSENT
    detail: msgspec.Raw = rawjson.ABSENT
    title: msgspec.Raw = rawjson.ABSENT
    error: msgspec.Raw = rawjson.ABSENT


class WireSummary(msgspec.Struct, frozen=True):
    """`latestConversationSummary`: a text below one or several objects; the names are unverified."""

    summary: msgspec.Raw = rawjson.ABSENT
    text: msgspec.Raw = rawjson.ABSENT


def fold(source: Source, context: EditorContext, record: Record) -> tuple[EditorContext, Folded]:  # noqa: ARG001
    """Fold one record. Never raises: what is not understood is counted in `skipped`."""
    read = _read(record.data)
    if isinstance(read, str):
        return context, Folded(skipped=(rawjson.skipped(None, read, None),))
    if isinstance(read, PassedByRecord):
        return context, Folded(skipped=(rawjson.skipped(read.what, read.why, None),))
    draft = Draft.begin(context, read)
    if draft is None:
        return context, Folded(skipped=(rawjson.skipped("conversation", "no usable id or time", None),))
    if isinstance(read, BubbleRecord):
        _fold_bubble(draft, read)
    elif isinstance(read, StateRecord):
        _fold_state(draft, read)
    else:
        _fold_taken_back(draft, read)
    return draft.folded()


def _read(data: bytes) -> AnyRecord | str:
    """The record, or what is wrong with it."""
    for made_ready in (bytes, rawjson.mend):
        try:
            return _RECORD.decode(made_ready(data))
        except msgspec.ValidationError as error:
            return rawjson.shape_of(error)
        except RecursionError:
            return "nested too deeply"
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue
    return "not JSON"


def _fold_bubble(draft: Draft, record: BubbleRecord) -> None:
    bubble = record.bubble
    kind = record.type
    text = name_of(bubble.text)
    if kind == USER:
        if text.strip():
            draft.add(UserPrompt(text=text, actor="model" if draft.sidechain else "human"), "text")
    elif kind == ASSISTANT:
        if bytes(bubble.tool_former_data) != b"null":
            fold_tool(draft, record)
        if text.strip():
            draft.add(_message(record, text), "text")
        if error := _error_in(bubble.error_details):
            draft.add(turn_end(error), "failed")
    else:
        draft.skip("bubble", "unknown type")


def _message(record: BubbleRecord, text: str) -> AssistantMessage:
    """A text ended its turn where the user's next words follow, or nothing does and the conversation is at rest."""
    if record.follows != "nothing":
        return AssistantMessage(text=text, final=record.follows == "user")
    stopped = record.status == "aborted" or not record.whole
    return AssistantMessage(text=text, final=True if record.status == "completed" else None, aborted=stopped)


def _fold_state(draft: Draft, record: StateRecord) -> None:
    if record.status:
        draft.settle_folder()
    draft.tell_facts()
    todos = todos_in(record.todos)
    if todos is not None:
        draft.tell_todos(as_update(todos))
    if summary := without_handoff(_text_in(record.summary)).strip():
        draft.add_as(f"summary/{digest(summary)}", AgentSummary(text=summary, source="compaction"))
    if record.status == "aborted":
        draft.add_as(key_of(draft.ident, record.bubble_id, record.take, "end"), TurnEnd(reason="interrupted"))
    elif record.status == "error":
        draft.add_as(key_of(draft.ident, record.bubble_id, record.take, "end"), TurnEnd(reason="error"))


def _fold_taken_back(draft: Draft, record: TakenBackRecord) -> None:
    keys = tuple(key_of(draft.ident, bubble_id, take, part) for bubble_id, take in record.bubbles for part in PARTS)
    if keys:
        mark = digest(" ".join(f"{bubble_id}~{take}" for bubble_id, take in record.bubbles))
        draft.add_as(f"{draft.ident}/undone/{mark}", Undone(keys=keys))


def _error_in(raw: msgspec.Raw) -> str:
    if raw is rawjson.ABSENT:
        return ""
    for _ in range(_DEEPEST):
        if text := name_of(raw).strip():
            return text
        given = rawjson.part_of(raw, WireError)
        if given is None:
            return ""
        said = (name_of(part).strip() for part in (given.message, given.detail, given.title))
        if text := next(filter(None, said), ""):
            return text
        raw = given.error
    return ""


def _text_in(raw: msgspec.Raw) -> str:
    for _ in range(_DEEPEST):
        if raw is rawjson.ABSENT:
            return ""
        if text := name_of(raw):
            return text
        given: Any = rawjson.part_of(raw, WireSummary)
        if given is None:
            return ""
        raw = given.summary if given.summary is not rawjson.ABSENT else given.text
    return ""
