"""Tool results: matched with their calls, with the effects of successful ones."""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec

from carryover.adapter.contract import ToolOutcome
from carryover.adapter.event_builder import closed
from carryover.agents.copilot import todos, tools
from carryover.agents.copilot.builder import Builder
from carryover.agents.copilot.calls import READ_SHELLS
from carryover.agents.copilot.context import OpenCall
from carryover.model import Answer, BackgroundTask, PlanItem, PlanProposal, PlanUpdate, UserPrompt
from carryover.records.changes import as_edit
from carryover.records.fields import SHORT_CHARS, bounded
from carryover.records.lenient import fields_of, is_true, items_of, number_of, text_of
from carryover.records.text import HANDOFF_FILE, without_ansi

_FROM_HOOKS: Final = re.compile(
    r'\n*Tool "[^"\n]*" (?:succeeded|failed)\. Additional guidance from \w+ hooks:.*\Z', re.DOTALL
)
# The first in 1.0.102, the others in 1.0.48.
_ENDED: Final = re.compile(
    r"\n?<(?:shellId: \S+ completed|command with id: \S+ exited|exited) with exit code (?P<code>-?\d{1,9})>\s*\Z"
)
_RUNNING: Final = re.compile(r"<command (?:started in background )?with shellId: (?P<shell>[^\s>]+)")
_NEVER_RAN: Final = re.compile(
    r" in JSON at position \d|^Tool '.*' does not exist|^Multiple validation errors|\": Required\b"
)
_IN_BACKGROUND: Final = "Agent started in background"
_ANSWERED: Final = re.compile(r"\AUser (?:selected: |responded:[ \n])")
"""What precedes an answer: `User selected: Cents` (1.0.48), `User responded: Cents` (1.0.102)."""
_SKIPPED_QUESTION: Final = ("User skipped", "The user is not available", "User declined", "The user declined")


class Outcome(ToolOutcome, frozen=True):
    """How a call ended, or the shell that it left running."""

    running: str | None = None
    """The shell that it left running."""


def parse_result(builder: Builder) -> None:
    """Emits the result of a call, and its changes if it succeeded."""
    call_id = builder.text("toolCallId")
    if not call_id:
        builder.skip(builder.line.type, "unexpected shape")
        return
    call = next((call for call in builder.context.calls if call.id == call_id), None)
    if call is None:  # a tool that only reports something, or a call that an abort has ended
        return
    outcome = _outcome(builder, call)
    if outcome.running is not None and call.op == "shell":
        _leave_running(builder, call, outcome.running)
        return
    if call.name in READ_SHELLS and call.process is not None and outcome.exit_code is not None:
        # What a process printed, and how it ended, belongs to the call that started it.
        ended = _end_process(builder, call.process, outcome)
        _finish(builder, call, Outcome("ok") if ended else outcome, "")
        return
    _finish(builder, call, outcome, "")
    if outcome.status == "ok":
        _add_what_followed(builder, call, outcome)
    elif call.name == "exit_plan_mode":
        builder.add(PlanProposal(call_id=call.id, text="", accepted=False), "plan")


def parse_notification(builder: Builder) -> None:
    """Handles the end of a command that kept running, which the client reports to the model."""
    kind = fields_of(builder.data.get("kind"))
    shell = text_of(kind.get("shellId"))
    if text_of(kind.get("type")) != "shell_completed" or not shell:
        return
    if number_of(kind.get("exitCode")) == 0:
        _end_process(builder, shell, Outcome("ok", exit_code=0))
    elif (call := _running(builder, shell)) is not None:
        # What it printed is read by a separate call, if at all, which then ends it.
        builder.add(BackgroundTask(task_id=call.id, state="done"), "ended.task")


def parse_decision(builder: Builder) -> None:
    """Handles the user's decision about a call; only a refusal matters."""
    decision, call_id = fields_of(builder.data.get("result")), builder.text("toolCallId")
    words = text_of(decision.get("feedback")).strip()
    if text_of(decision.get("kind")).startswith(("denied", "cancelled")):
        _replace(builder, call_id, denied=True, words=words)
    if words and builder.subagent_id is None:
        builder.add(UserPrompt(text=words), "said")


def end_open_calls(builder: Builder) -> None:
    """Ends the open calls when the user stops the turn: they get no results."""
    thread = builder.subagent_id
    waiting = [call for call in builder.context.calls if thread is None or call.thread == thread]
    for number, call in enumerate(waiting):
        if call.process is not None and call.op == "shell":
            continue
        outcome = Outcome("denied", never_ran=True, user_words=call.words) if call.denied else Outcome("interrupted")
        if call.thread == (builder.subagent_id or ""):
            _finish(builder, call, outcome, f"{number}.")
        else:
            builder.change(calls=closed(builder.context.calls, call.id))


def _outcome(builder: Builder, call: OpenCall) -> Outcome:
    result, error = fields_of(builder.data.get("result")), fields_of(builder.data.get("error"))
    # Text that hooks add for the model is at the end.
    text = _FROM_HOOKS.sub("", without_ansi(text_of(result.get("content")) or text_of(error.get("message"))))
    if not is_true(builder.data.get("success")):
        return _failure(text_of(error.get("code")), text, call)
    ended = _ENDED.search(text)
    code = number_of(fields_of(builder.data.get("shellExecution")).get("exitCode"))  # 1.0.102
    code = int(ended["code"]) if code is None and ended else code
    output = text[: ended.start()] if ended else text
    if code is not None:
        return Outcome("ok" if code == 0 else "error", output, code)
    running = _RUNNING.search(text) if call.op == "shell" else None
    if running is not None:
        return Outcome("unknown", "", running=running["shell"])
    if call.op == "ask" and output.startswith(_SKIPPED_QUESTION):
        return Outcome("denied", output)
    return Outcome("unknown" if call.op == "shell" else "ok", output)


def _failure(code: str, message: str, call: OpenCall) -> Outcome:
    if call.denied or code in ("denied", "rejected"):
        return Outcome("denied", message, never_ran=True, user_words=call.words)
    if code in ("interrupted", "aborted", "cancelled"):
        return Outcome("interrupted", message)
    return Outcome("error", message, never_ran=_NEVER_RAN.search(message) is not None)


def _finish(builder: Builder, call: OpenCall, outcome: Outcome, part: str) -> None:
    """Closes a call and adds its result."""
    builder.change(calls=closed(builder.context.calls, call.id))
    builder.add(call.ended(outcome), f"{part}result")


def _leave_running(builder: Builder, call: OpenCall, process: str) -> None:
    """Keeps the call open: its result comes when the process ends."""
    _replace(builder, call.id, process=process)
    builder.add(BackgroundTask(task_id=call.id, state="running", label=bounded(call.subject, SHORT_CHARS)), "running")


def _replace(builder: Builder, call_id: str, **changes: object) -> None:
    calls = builder.context.calls
    builder.change(
        calls=tuple(msgspec.structs.replace(call, **changes) if call.id == call_id else call for call in calls)
    )


def _running(builder: Builder, process: str) -> OpenCall | None:
    calls = reversed(builder.context.calls)
    return next((call for call in calls if call.process == process and call.op == "shell"), None)


def _end_process(builder: Builder, process: str, outcome: Outcome) -> bool:
    """Ends the call that left a process running; returns False if the process is unknown."""
    call = _running(builder, process)
    if call is None:
        return False
    _finish(builder, call, outcome, "ended.")
    state: Literal["done", "stopped"] = "done" if outcome.status in ("ok", "error") else "stopped"
    builder.add(BackgroundTask(task_id=call.id, state=state), "ended.task")
    if outcome.status == "ok":
        _add_changes(builder, call)
    return True


def _add_what_followed(builder: Builder, call: OpenCall, outcome: Outcome) -> None:
    if call.op in ("edit", "write"):
        diff = text_of(fields_of(builder.data.get("result")).get("detailedContent"))
        edited = list(map(fields_of, items_of(builder.data.get("fileEdits"))))
        _add_changes(builder, msgspec.structs.replace(call, changes=tools.applied(call.changes, diff, edited)))
    elif call.op == "shell":
        _add_changes(builder, call)
    elif call.op == "ask" and call.question:
        if text := _ANSWERED.sub("", outcome.output).strip():
            builder.add(Answer(call_id=call.id, question=call.question, text=text), "answer")
    elif call.name == "exit_plan_mode":
        builder.add(PlanProposal(call_id=call.id, text="", accepted=True), "plan")
    elif call.op == "agent" and outcome.output.startswith(_IN_BACKGROUND):
        builder.add(BackgroundTask(task_id=call.id, state="running", label=bounded(call.subject, SHORT_CHARS)), "task")
    if call.query:
        after = todos.after_sql(builder.context.todos, call.query)
        if after != builder.context.todos:
            builder.change(todos=after)
            items = tuple(PlanItem(text=todo.text, state=todo.state) for todo in after)
            builder.add(PlanUpdate(items=items), "todos")


def _add_changes(builder: Builder, call: OpenCall) -> None:
    for number, change in enumerate(call.changes):
        if not change.path.endswith(HANDOFF_FILE):
            builder.add(as_edit(change, call.id), f"edit{number}")
