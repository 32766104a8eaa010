"""Turns the items of a session into events: prompts, answers, summaries, and tool calls with their results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from carryover.adapter.contract import Parsed, Record, Source
from carryover.adapter.event_builder import EventBuilder, reemitted_after, usable_name
from carryover.agents.continue_dev import tools
from carryover.agents.continue_dev.context import Begin, Context, Line, Piece
from carryover.model import AgentSummary, AnyBody, AssistantMessage, SessionInfo, UserPrompt
from carryover.records import rawjson
from carryover.records.fields import LATEST_MS, SHORT_CHARS, bounded
from carryover.records.lenient import Fields, fields_of, items_of, text_of
from carryover.records.text import HANDOFF_HEAD

_LINE: Final = msgspec.json.Decoder(Line)
_UNTITLED: Final = "Untitled Session"
_RESUMED: Final = "continue"
"""The prompt that the client adds itself when it made a summary in mid-turn (code, 1.5.47)."""
_QUIET: Final = ("system", "thinking", "tool")
"""Roles with nothing for a handoff. Results are in the item of their calls; `thinking` and `tool` are of extensions."""


@dataclass(slots=True, kw_only=True)
class _Builder(EventBuilder[Context]):
    """Builds the events of one item."""

    session: str
    piece: Piece
    item: Fields
    message: Fields

    def add(self, body: AnyBody, part: str) -> None:
        """Adds an event for a part of the item."""
        self.append(f"{self.session}/{self.piece.key}:{part}", body, session=self.session, cwd=self.piece.cwd)

    @property
    def text(self) -> str:
        """The text of the message."""
        return rawjson.text_of(self.message.get("content", rawjson.ABSENT)) or ""


def parse_record(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    """Parses one record of the reader. Never raises: what is not understood is counted in `skipped`."""
    line = rawjson.read(_LINE, record.data)
    if isinstance(line, str):
        return context, Parsed(skipped=(rawjson.skipped(None, line, None),))
    if line.begin is not None:
        return _begun(context, line.begin)
    if line.piece is None:
        return context, Parsed(skipped=(rawjson.skipped("record", "unknown record", None),))
    session = context.session or source.session or source.path
    item = fields_of(line.piece.item)
    builder = _Builder(
        context=context,
        session=session,
        piece=line.piece,
        item=item,
        message=fields_of(item.get("message")),
        at_ms=min(max(line.piece.at_ms, 1), LATEST_MS),
    )
    _parse_piece(builder)
    if builder.events:
        builder.change(last=builder.last_key)
    return builder.context, builder.built()


def _begun(context: Context, begin: Begin) -> tuple[Context, Parsed]:
    """Marks what is emitted again: all events since the summary that the history begins with, or those to come.

    What was said before that summary stays, though the document no longer holds it.
    """
    session = usable_name(begin.session)
    if not begin.on:
        summary = begin.summary.encode()
        before = context.before if summary == context.summary else context.last
        before = before if summary else None
        context = Context(session=session, last=before, before=before, summary=summary)
    if session is None or (begin.summary and context.last is None):
        return context, Parsed()
    return context, Parsed(reemitted=reemitted_after(context.last, session=session, more=begin.more))


def _parse_piece(builder: _Builder) -> None:
    if builder.piece.title is not None:
        _parse_info(builder)
        return
    role = text_of(builder.message.get("role"))
    if (handle := _ROLES.get(role)) is not None:
        handle(builder)
    elif role not in _QUIET:
        builder.skip(f"history/{role}", "unknown role")


def _parse_info(builder: _Builder) -> None:
    title = builder.piece.title if builder.piece.title != _UNTITLED else None
    named = bounded(title, SHORT_CHARS) if title else None
    builder.add(SessionInfo(title=named, model=usable_name(builder.piece.model)), "info")


def _parse_prompt(builder: _Builder) -> None:
    if "content" not in builder.message or rawjson.text_of(builder.message["content"]) is None:
        builder.skip("history/user", "unexpected content")
        return
    text = builder.text.strip()
    if text.startswith(HANDOFF_HEAD):
        return
    parts = map(fields_of, items_of(builder.message["content"]))
    attachments = sum("imageUrl" in part for part in parts)
    own = builder.piece.after_summary and text == _RESUMED
    if text or attachments:
        builder.add(UserPrompt(text=text, actor="model" if own else "human", attachments=attachments), "prompt")


def _parse_answer(builder: _Builder) -> None:
    summary = text_of(builder.item.get("conversationSummary"))
    if summary:
        builder.add(AgentSummary(text=summary, source="compaction"), "summary")
    calls = [fields_of(raw) for raw in items_of(builder.item.get("toolCallStates"))]
    text = builder.text
    if text.strip() and text != summary:
        builder.add(AssistantMessage(text=text, final=not calls), "text")
    for number, state in enumerate(calls):
        found = tools.called(state, builder.piece.cwd)
        if found is None:
            builder.skip("history/toolCallStates", "no usable id or name")
            continue
        if found.status not in tools.STATUSES:
            builder.skip("history/toolCallStates", "unknown status")
        for part, body in tools.events_of(found):
            builder.add(body, f"call{number}:{part}")


_ROLES: Final[dict[str, Callable[[_Builder], None]]] = {"user": _parse_prompt, "assistant": _parse_answer}
