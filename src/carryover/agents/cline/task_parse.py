"""Turns the messages of a task into events: prompts, answers, calls, todo lists, and why a request failed.

A call is shown with what it was asked to do, how it ended, and what it changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import msgspec

from carryover.adapter.contract import ToolOutcome
from carryover.agents.cline.documents import MessageBuilder, id_in, parser
from carryover.agents.cline.tasks import kind_of_message
from carryover.model import Answer, FileEdit, Op, PlanUpdate, Question, TurnEnd
from carryover.records.asked import checklist, plan_items
from carryover.records.changes import Replacement, hunks_in, patched, replaced, written
from carryover.records.fields import MAX_NAME_CHARS, MAX_PATH_CHARS, bounded, resolved
from carryover.records.lenient import Fields, fields_of, first_text, is_true, items_of, number_of, text_of
from carryover.records.resets import names_limit
from carryover.records.text import without_ansi
from carryover.text.pattern import later
from carryover.transcript.open_calls import with_open_call
from carryover.transcript.recorder import OpenCall, Tools
from carryover.transcript.refusals import refused
from carryover.transcript.turns import add_answer, add_failure, add_prompt, add_summary, dispatch

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
_LIMITED: Final = later(r'"(?:status|code)":\s*"?(?:402|429|insufficient_credits)\b|\b402\b')
_FLAG: Final = "HAS_CHANGES"
"""What is put after the last words if there are changes to look at."""
_ASKS: Final = "REQ_APP"
"""Cline's mark behind a command for which the model asks for approval."""
_EXIT: Final = later(r"\bexit code:? (\d{1,10})", re.IGNORECASE)
_EXIT_WITHIN: Final = 400
"""How far from its beginning a result names the exit code."""
_RAN: Final = later(r"\ACommand (?:executed|failed)")
_DENIED: Final = later(
    r"The user denied this operation"
    r"(?:\.(?: The file was not (?:created|updated, and maintains its original contents)\.)?"
    r"| and provided the following feedback:\n<feedback>\n.*\n</feedback>)",
    re.DOTALL,
)
"""The whole result of a refused call (Cline 2.18.0; Roo Code before its results were JSON: public source). What the
user typed is a message beside it, `user_feedback`, so no result is read for it: a file may hold the same text."""
_DENIED_KEYS: Final = frozenset(("status", "message", "feedback"))
"""All keys of such a result as JSON (Roo Code 3.52.1: public source)."""
_CLIENT_WORDED: Final = ("shell", "edit", "write")
"""Operations whose results begin with the client's words. Those of others may be a file, a list of names, a page or a
server's answer and nothing else."""
_FAILED: Final = later(r"\A(?:The tool execution failed|Error)|\A\{\"status\":\s*\"error\"|<error>")
_BLOCK: Final = later(
    r"^[-<]{5,} SEARCH>?\n(?::start_line:\s*(\d+)\n)?(?::end_line:.*\n)?(?:-{5,}\n)?"
    r"((?:(?![-<]{5,} SEARCH|={5,}$).*\n)*)={5,}\n((?:(?![-<]{5,} SEARCH|[+>]{5,} REPLACE).*\n)*)[+>]{5,} REPLACE",
    re.MULTILINE,
)


def _changes(op: Op, shown: Fields, cwd: str | None) -> tuple[FileEdit, ...]:
    if op not in ("edit", "write"):
        return ()
    batch = [fields_of(raw) for raw in items_of(shown.get("batchDiffs"))]
    found = (_change(text_of(shown.get("tool")), each, cwd) for each in batch or [shown])
    return tuple(change for change in found if change is not None)


def _change(kind: str, shown: Fields, cwd: str | None) -> FileEdit | None:
    path = resolved(text_of(shown.get("path")), cwd) if "path" in shown else None
    if path is None or len(path) > MAX_PATH_CHARS:
        return None
    if kind == "fileDeleted":
        return FileEdit(path=path, change="delete")
    content = first_text(shown, "diff", "content")
    blocks = _BLOCK.findall(content)
    if blocks:
        numbers = items_of(shown.get("startLineNumbers"))
        line = number_of(numbers[0]) if numbers else int(blocks[0][0] or 0)
        pairs = [Replacement(old.removesuffix("\n"), new.removesuffix("\n")) for _, old, new in blocks]
        return msgspec.structs.replace(replaced(path, pairs, counted=True), line=line or None)
    if hunks := hunks_in(content):
        return patched(path, hunks)
    change = written(path, content)
    return msgspec.structs.replace(change, change="add") if kind == "newFileCreated" else change


TOOLS: Final = Tools(
    {
        "read": "readFile",
        "edit": "editedExistingFile appliedDiff fileDeleted",
        "write": "newFileCreated",
        "search": "listFilesTopLevel listFilesRecursive listCodeDefinitionNames searchFiles codebaseSearch",
        "web": "webFetch webSearch",
        "agent": "newTask",
    },
    about=("path", "regex", "query", "content", "mode", "skill", "command"),
    changes=_changes,
)
"""The built-in tools, by the names under which they are shown."""


def _ident(recorder: MessageBuilder) -> str:
    return f"{recorder.session}/{id_in(recorder.data, 'ts') or recorder.context.number}"


def _message(recorder: MessageBuilder) -> None:
    if is_true(recorder.data.get("first")):
        _prompt(recorder)
    else:
        dispatch(recorder, _HANDLERS, kind_of_message(recorder.data), what="kind", within="message/")


parse_task_record: Final = parser(_ident, _message)


def _said(recorder: MessageBuilder) -> str:
    return recorder.text("text").strip()


def _shown(recorder: MessageBuilder) -> Fields:
    return fields_of(_said(recorder))


def _prompt(recorder: MessageBuilder) -> None:
    add_prompt(recorder, "prompt", _said(recorder), actor=recorder.actor)


def _feedback(recorder: MessageBuilder) -> None:
    """Handles what the user typed: the answer to a question, or a prompt."""
    text = _said(recorder)
    asked = next((call for call in recorder.open_calls if call.op == "ask"), None)
    if text and asked is not None:
        recorder.take_call(asked.id)
        recorder.add(Answer(call_id=asked.id, question=asked.subject, text=text), "answer")
    else:
        add_prompt(recorder, "prompt", text)


def _question(recorder: MessageBuilder) -> None:
    """Handles a question; `selected` is the option that the user chose. One without words was never asked."""
    shown = _shown(recorder)
    question = text_of(shown.get("question")) if "question" in shown else _said(recorder)
    offered = items_of(shown.get("options")) or [
        fields_of(each).get("answer", each) for each in items_of(shown.get("suggest"))
    ]
    if not question:
        return
    call = OpenCall(id=recorder.ident, name=_ASK, op="ask", subject=question)
    recorder.add(
        Question(call_id=call.id, text=question, options=tuple(filter(None, map(text_of, offered)))), "question"
    )
    if selected := text_of(shown.get("selected")):
        recorder.add(Answer(call_id=call.id, question=question, text=selected), "answer")
    else:
        recorder.keep_open(with_open_call(recorder.open_calls, call))


def _text(recorder: MessageBuilder) -> None:
    add_answer(recorder, "text", _said(recorder))


def _last_words(recorder: MessageBuilder) -> None:
    text = text_of(_shown(recorder).get("response")) or _said(recorder)
    add_answer(recorder, "text", text.removesuffix(_FLAG).strip(), final=True)


def _request(recorder: MessageBuilder) -> None:
    """Handles a request that the user or an error broke off."""
    shown = _shown(recorder)
    failed = text_of(shown.get("streamingFailedMessage"))
    if text_of(shown.get("cancelReason")) == "user_cancelled":
        recorder.add(TurnEnd(reason="interrupted"), "end")
    elif failed:
        _fail(recorder, failed)


def _failure(recorder: MessageBuilder) -> None:
    _fail(recorder, _said(recorder))


def _fail(recorder: MessageBuilder, text: str) -> None:
    message = text_of(fields_of(text).get("message")) or text
    limited = names_limit(text) or _LIMITED.search(text) is not None
    add_failure(recorder, "end", message, limited=limited)


def _progress(recorder: MessageBuilder) -> None:
    if items := checklist(_said(recorder), active="-"):
        recorder.add(PlanUpdate(items=items), "plan")


def _condensed(recorder: MessageBuilder) -> None:
    condensed = fields_of(recorder.data.get("contextCondense"))
    add_summary(recorder, "summary", text_of(condensed.get("summary")))


def _call(recorder: MessageBuilder) -> None:
    """Handles a message that shows a call, with its result as far as there is one."""
    message = recorder.data
    shown = _shown(recorder)
    kind = text_of(shown.get("tool"))
    if kind == "updateTodoList" and (items := plan_items(shown.get("todos"), "content")):
        recorder.add(PlanUpdate(items=items), "plan")
    elif kind == "summarizeTask":
        add_summary(recorder, "summary", text_of(shown.get("content")))
    if kind in ("updateTodoList", "finishTask", "summarizeTask"):
        return
    name = kind or f"{text_of(shown.get('serverName'))}__{text_of(shown.get('toolName'))}"
    if kind or "toolName" in shown:
        given = shown if kind else fields_of(text_of(shown.get("arguments")))
        call = TOOLS.call(recorder.ident, bounded(name, MAX_NAME_CHARS), given, recorder.cwd)
    else:
        call = OpenCall.of_command(recorder.ident, "command", _said(recorder).removesuffix(_ASKS), recorder.cwd)
    recorder.begin_call(call, "call")
    if not is_true(message.get("over")):
        return
    is_asked = text_of(message.get("type")) == "ask"
    outcome = _outcome(call, text_of(message.get("result")), is_asked=is_asked)
    recorder.take_call(call.id)
    recorder.end_call(call, outcome)
    if outcome.status == "unknown" and not is_asked:
        recorder.add_edits(call)


def _outcome(call: OpenCall, text: str, *, is_asked: bool) -> ToolOutcome:
    text = without_ansi(text)
    if not text:
        return ToolOutcome("unknown")
    if is_asked and _is_denial(text):
        return refused(text, by_client=call.op in _CLIENT_WORDED, by_user=True)
    if call.op == "shell":
        return _of_command(text)
    if _FAILED.search(text[:_EXIT_WITHIN]):
        return ToolOutcome("error", text)
    return ToolOutcome("ok", text if call.op in ("search", "other", "web") else "")


def _is_denial(text: str) -> bool:
    if _DENIED.fullmatch(text):
        return True
    fields = fields_of(text)
    return text_of(fields.get("status")) == "denied" and fields.keys() <= _DENIED_KEYS


def _of_command(text: str) -> ToolOutcome:
    found = _EXIT.search(text[:_EXIT_WITHIN])
    _, _, output = text.partition("Output:\n")
    if found is None:
        # Before exit codes were recorded, and for a terminal that tells none.
        return ToolOutcome("unknown" if _RAN.match(text) or not _FAILED.match(text) else "error", output or text)
    code = int(found[1])
    return ToolOutcome("error" if code else "ok", output, exit_code=code)


_HANDLERS: Final[dict[str, Callable[[MessageBuilder], None] | None]] = {
    **dict.fromkeys(_QUIET),
    "task": _prompt,
    "user_feedback": _feedback,
    _ASK: _question,
    "text": _text,
    "completion_result": _last_words,
    "plan_completion_result": _last_words,
    "plan_mode_respond": _last_words,
    "act_mode_respond": _last_words,
    "api_req_started": _request,
    "api_req_failed": _failure,
    "task_progress": _progress,
    "condense_context": _condensed,
    "tool": _call,
    "command": _call,
    "use_mcp_server": _call,
}
