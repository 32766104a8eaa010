"""Turns the messages of a task into events: prompts, answers, calls, todo lists, and why a request failed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from carryover.adapter.contract import Parsed, Record, Source
from carryover.adapter.event_builder import OpenCall, closed, opened
from carryover.families.vscode_tasks.builder import Builder, Context, begun, entry_of
from carryover.families.vscode_tasks.calls import parse_call, todos_in
from carryover.families.vscode_tasks.tasks import kind_of
from carryover.model import (
    AgentSummary,
    Answer,
    AssistantMessage,
    PlanUpdate,
    Question,
    SessionInfo,
    TurnEnd,
    UserPrompt,
)
from carryover.records import rawjson
from carryover.records.lenient import Fields, fields_of, is_true, items_of, text_of
from carryover.records.resets import failed_turn, names_limit
from carryover.records.text import without_handoff

_QUIET: Final = frozenset(
    "api_req_deleted api_req_finished api_req_rate_limit_wait api_req_retried api_req_retry_delayed "
    "auto_approval_max_req_reached browser_action browser_action_launch browser_action_result checkpoint_created "
    "checkpoint_saved clineignore_error codebase_search_result command_output command_permission_denied compaction "
    "condense condense_context_error conditional_rules_applied deleted_api_reqs diff_error error_retry "
    "generate_explanation hook_output_stream hook_status image info load_mcp_documentation mcp_notification "
    "mcp_server_request_started mcp_server_response mistake_limit_reached new_task reasoning report_bug "
    "resume_completed_task resume_task rooignore_error shell_integration_warning "
    "shell_integration_warning_with_suggestion sliding_window_truncation subagent subagent_usage subtask_result "
    "summarize_task too_many_tools_warning use_subagents user_feedback_diff error".split()
)
"""What a message may say or ask that holds nothing of its own for a handoff."""
_ASK: Final = "followup"
_LIMITED: Final = re.compile(r'"(?:status|code)":\s*"?(?:402|429|insufficient_credits)\b|\b402\b')
_FLAG: Final = "HAS_CHANGES"
"""What is put after the last words if there are changes to look at."""


def parse_record(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    """Parses one record of a task. Never raises: what is not understood is counted in `skipped`."""
    entry = entry_of(record)
    if isinstance(entry, str):
        return context, Parsed(skipped=(rawjson.skipped(None, entry, None),))
    if entry.begin is not None:
        context, reemitted = begun(context, entry.begin, source)
        return context, Parsed(reemitted=reemitted)
    if entry.state is not None:
        builder = Builder(context=context, at_ms=context.last_ms, ident=context.session, message={})
        if entry.state.info != SessionInfo() and context.subagent_id is None:
            builder.add(entry.state.info, "info")
        return context, builder.built()
    builder = Builder.of_message(context, entry.message, "ts", own=False)
    kind = kind_of(builder.message)
    handle = _parse_prompt if is_true(builder.message.get("first")) else _HANDLERS.get(kind)
    if handle is not None:
        handle(builder)
    elif kind not in _QUIET:
        builder.skip(f"message/{kind}", "unknown kind")
    return builder.parsed()


def _said(builder: Builder) -> str:
    return text_of(builder.message.get("text")).strip()


def _shown(builder: Builder) -> Fields:
    return fields_of(_said(builder).encode("utf-8", "replace"))


def _parse_prompt(builder: Builder) -> None:
    if text := _said(builder):
        builder.add(UserPrompt(text=text, actor="human" if builder.context.subagent_id is None else "model"), "prompt")


def _parse_feedback(builder: Builder) -> None:
    """Handles what the user typed: the answer to a question, or a prompt."""
    text = _said(builder)
    asked = next((call for call in builder.context.calls if call.op == "ask"), None)
    if text and asked is not None:
        builder.change(calls=closed(builder.context.calls, asked.id))
        builder.add(Answer(call_id=asked.id, question=asked.subject, text=text), "answer")
    elif text:
        builder.add(UserPrompt(text=text), "prompt")


def _parse_question(builder: Builder) -> None:
    """Handles a question; `selected` is the option that the user chose."""
    shown = _shown(builder)
    question = text_of(shown.get("question")) or _said(builder)
    offered = items_of(shown.get("options")) or [
        fields_of(each).get("answer", each) for each in items_of(shown.get("suggest"))
    ]
    if not question:
        return
    call = OpenCall(id=builder.ident, name=_ASK, op="ask", subject=question)
    builder.add(
        Question(call_id=call.id, text=question, options=tuple(filter(None, map(text_of, offered)))), "question"
    )
    if selected := text_of(shown.get("selected")):
        builder.add(Answer(call_id=call.id, question=question, text=selected), "answer")
    else:
        builder.change(calls=opened(builder.context.calls, call))


def _parse_text(builder: Builder) -> None:
    if text := _said(builder):
        builder.add(AssistantMessage(text=text), "text")


def _parse_last_words(builder: Builder) -> None:
    text = text_of(_shown(builder).get("response")) or _said(builder)
    if text := text.removesuffix(_FLAG).strip():
        builder.add(AssistantMessage(text=text, final=True), "text")


def _parse_request(builder: Builder) -> None:
    """Handles a request that the user or an error broke off."""
    shown = _shown(builder)
    failed = text_of(shown.get("streamingFailedMessage"))
    if text_of(shown.get("cancelReason")) == "user_cancelled":
        builder.add(TurnEnd(reason="interrupted"), "end")
    elif failed:
        _fail(builder, failed)


def _parse_failure(builder: Builder) -> None:
    _fail(builder, _said(builder))


def _fail(builder: Builder, text: str) -> None:
    message = text_of(fields_of(text.encode("utf-8", "replace")).get("message")) or text
    limited = names_limit(text) or _LIMITED.search(text) is not None
    builder.add(failed_turn(message, builder.at_ms, limited=limited), "end")


def _parse_progress(builder: Builder) -> None:
    if items := todos_in(_said(builder)):
        builder.add(PlanUpdate(items=items), "plan")


def _parse_condensed(builder: Builder) -> None:
    condensed = fields_of(builder.message.get("contextCondense"))
    if text := without_handoff(text_of(condensed.get("summary"))).strip():
        builder.add(AgentSummary(text=text, source="compaction"), "summary")


_HANDLERS: Final[dict[str, Callable[[Builder], None]]] = {
    "task": _parse_prompt,
    "user_feedback": _parse_feedback,
    _ASK: _parse_question,
    "text": _parse_text,
    "completion_result": _parse_last_words,
    "plan_completion_result": _parse_last_words,
    "plan_mode_respond": _parse_last_words,
    "act_mode_respond": _parse_last_words,
    "api_req_started": _parse_request,
    "api_req_failed": _parse_failure,
    "task_progress": _parse_progress,
    "condense_context": _parse_condensed,
    "tool": parse_call,
    "command": parse_call,
    "use_mcp_server": parse_call,
}
