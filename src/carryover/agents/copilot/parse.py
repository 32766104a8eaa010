"""Turns the records of a session's log into events, one record at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

import msgspec

from carryover import model
from carryover.adapter.contract import Parsed, Record, Reemitted, Source
from carryover.agents.copilot.builder import Builder, Line, LogContext, conversation_of
from carryover.agents.copilot.calls import end_open_calls, parse_call, parse_decision, parse_notification, parse_result
from carryover.agents.copilot.log_reader import NOTED, Note
from carryover.records import rawjson
from carryover.records.fields import SHORT_CHARS, bounded
from carryover.records.lenient import fields_of, is_true, items_of, number_of, text_of
from carryover.records.resets import failed_turn
from carryover.records.summary import Kinds, parts_by_tag
from carryover.records.text import without_handoff
from carryover.records.usage import numbers_in

_LIMIT_CODES: Final = (402, 429)
_TRIGGERS: Final[dict[str, Literal["manual", "auto"]]] = {"manual": "manual", "threshold": "auto"}
_LINE: Final = msgspec.json.Decoder(Line)
QUIET: Final = tuple(
    "assistant.fusion_ assistant.reasoning assistant.turn_ assistant.usage external_tool.requested hook. "
    "human_response.recorded mcp.oauth_recovery_completed model. permission.assent permission.carried "
    "permission.contextual permission.message permission.requested session.auto session.binary_asset session.canvas. "
    "session.compaction_start session.completion_receipt session.context_cleared session.fusion_ session.handoff "
    "session.info session.mode_ session.model_deselected session.permission session.plan_changed "
    "session.remote_steerable_changed session.request_body_ session.schedule_ session.session_limits_changed "
    "session.todos_changed session.truncation session.usage_ session.warning session.workspace_file_changed skill. "
    "subagent.configured subagent.deselected subagent.selected subagent.started system.message tool_search.".split()
)
"""Beginnings of types without content for us. Hook records repeat prompts and contain our own handoff."""
LIMITS: Final = frozenset(("rate_limit", "quota", "quota_exceeded", "session_limit", "weekly_limit"))
"""`errorType` of a usage limit."""
SUMMARY_KINDS: Final[Kinds] = {
    **dict.fromkeys(("history", "technical_details", "important_files"), "other"),
    "overview": "request",
    "work_done": "current",
    "next_steps": "next",
}
"""The tags that a compaction asks for in the terminal (reported)."""


def parse_record(source: Source, context: LogContext, record: Record) -> tuple[LogContext, Parsed]:
    """Parses one record of a log. Never raises: what is not understood is counted in `skipped`."""
    if record.number == NOTED:
        return _parse_note(source, context, record)
    line = rawjson.read_line(_LINE, record.data, version=context.facts.agent_version)
    if line is None or isinstance(line, model.Skipped):
        return context, Parsed() if line is None else Parsed(skipped=(line,))
    if line.type.startswith(QUIET) and line.type not in _HANDLERS:
        return context, Parsed()
    builder = Builder.begin(source, context, line, record)
    if (handle := _HANDLERS.get(line.type)) is not None:
        handle(builder)
    else:
        builder.skip(line.type, "unknown record type")
    return builder.parsed()


def _parse_note(source: Source, context: LogContext, record: Record) -> tuple[LogContext, Parsed]:
    note = rawjson.part_of(msgspec.Raw(record.data), Note) or Note()
    if note.title is None:
        return context, Parsed(reemitted=Reemitted(session=conversation_of(source), subagent_id=note.thread))
    builder = Builder.begin(source, context, Line(type="workspace"), record)
    builder.learn(title=bounded(note.title, SHORT_CHARS))
    builder.put_news_first(builder.conversation, builder.context.folder)
    return builder.context, builder.built()


def _parse_start(builder: Builder) -> None:
    builder.move_to(fields_of(builder.data.get("context")))
    builder.learn(
        agent_version=builder.text("copilotVersion"),
        model=builder.text("selectedModel"),
        parent=builder.text("detachedFromSpawningParentSessionId"),
    )
    builder.change(compacted_ms=0)  # each start of the client gets the handoff anyway
    builder.add(model.SessionStart(reason="resume" if builder.type == "session.resume" else "new"), "start")


def _parse_model_change(builder: Builder) -> None:
    if builder.subagent_id is None:
        builder.learn(model=builder.text("newModel"))


def _parse_user(builder: Builder) -> None:
    # Its `transformedContent`, which holds what hooks and the client add, is not read.
    if rawjson.string_of(builder.data.get("content", rawjson.ABSENT)) is None:
        builder.skip(builder.type, "unexpected shape")
        return
    text = builder.text("content").strip()
    attachments = len(items_of(builder.data.get("attachments")))
    if builder.subagent_id is not None:
        if text:
            builder.add(model.UserPrompt(text=text, actor="model"), "prompt")
        return
    # Others send messages too: agents, skills, commands, the client itself (1.0.102: `agent-<id>`).
    if builder.text("source") not in ("", "user") or is_true(builder.data.get("isAutopilotContinuation")):
        return
    builder.change(compacted_ms=0)
    if text or attachments:
        builder.add(model.UserPrompt(text=text, attachments=attachments), "prompt")


def _parse_assistant(builder: Builder) -> None:
    if builder.subagent_id is None:
        builder.learn(model=builder.text("model"))
    if text := builder.text("content").strip():
        builder.add(model.AssistantMessage(text=text, final=not items_of(builder.data.get("toolRequests"))), "text")


def _parse_compaction(builder: Builder) -> None:
    if not is_true(builder.data.get("success")):
        return
    if builder.subagent_id is None:
        builder.change(compacted_ms=builder.at_ms)
    summary = without_handoff(builder.text("summaryContent")).strip()
    if summary:
        trigger = _TRIGGERS.get(builder.text("trigger"))
        parts = parts_by_tag(summary, SUMMARY_KINDS)
        builder.add(model.AgentSummary(text=summary, source="compaction", trigger=trigger, parts=parts), "summary")


def _parse_abort(builder: Builder) -> None:
    end_open_calls(builder)
    limited = builder.text("reason") == "autopilot_credit_limit"  # the user's own for a run; reported, not recorded
    builder.add(model.TurnEnd(reason="limit" if limited else "interrupted"), "end")


def _parse_error(builder: Builder) -> None:
    limited = builder.text("errorType") in LIMITS or number_of(builder.data.get("statusCode")) in _LIMIT_CODES
    builder.add(failed_turn(builder.text("message").strip(), builder.at_ms, limited=limited), "end")


def _parse_sub_agent(builder: Builder) -> None:
    call_id = builder.text("toolCallId")
    if not call_id or any(call.id == call_id for call in builder.context.calls):
        return  # the result of the call reports the same
    builder.subagent_id = None  # it is the session's task
    state: Literal["failed", "done"] = "failed" if builder.type == "subagent.failed" else "done"
    builder.add(model.BackgroundTask(task_id=call_id, state=state), "task")


def _parse_task_complete(builder: Builder) -> None:
    if summary := builder.text("summary").strip():
        builder.add(model.AssistantMessage(text=summary, final=True), "text")


def _count_tokens(builder: Builder) -> None:
    """Handles `session.usage_record`, which follows each request, a sub-agent's too (1.0.102)."""
    usage = fields_of(builder.data.get("usage"))
    model_id = text_of(usage.get("model"))
    builder.count_tokens(builder.ident, session=builder.session, model=model_id, **numbers_in(usage))


def _parse_shutdown(builder: Builder) -> None:
    if builder.subagent_id is None:
        builder.add(model.SessionEnd(reason=bounded(builder.text("shutdownType"), SHORT_CHARS) or "shutdown"), "end")


_HANDLERS: Final[dict[str, Callable[[Builder], None]]] = {
    "session.start": _parse_start,
    "session.resume": _parse_start,
    "session.context_changed": lambda builder: builder.move_to(builder.data),
    "session.model_change": _parse_model_change,
    "session.compaction_complete": _parse_compaction,
    "session.error": _parse_error,
    "session.task_complete": _parse_task_complete,
    "session.usage_record": _count_tokens,
    "session.shutdown": _parse_shutdown,
    "user.message": _parse_user,
    "assistant.message": _parse_assistant,
    "tool.execution_start": parse_call,
    "tool.user_requested": parse_call,
    "tool.execution_complete": parse_result,
    "permission.completed": parse_decision,
    "system.notification": parse_notification,
    "subagent.completed": _parse_sub_agent,
    "subagent.failed": _parse_sub_agent,
    "abort": _parse_abort,
}
