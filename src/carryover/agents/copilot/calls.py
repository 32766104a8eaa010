"""Tool calls in the log of a session, and their results with the effects of successful ones."""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec

from carryover.adapter.contract import ToolOutcome
from carryover.adapter.event_builder import closed, opened, usable_name
from carryover.agents.copilot import tools
from carryover.agents.copilot.builder import Builder, OpenCall
from carryover.model import Actor, Answer, BackgroundTask, PlanItem, PlanProposal, PlanUpdate, Question, UserPrompt
from carryover.records import rawjson
from carryover.records.changes import as_edit
from carryover.records.fields import SHORT_CHARS, bounded
from carryover.records.lenient import Fields, fields_of, first_text, inside, is_true, items_of, number_of, text_of
from carryover.records.text import names_own_folder, without_ansi

_READ_SHELLS: Final = frozenset(("read_bash", "stop_bash", "write_bash", "read_powershell", "stop_powershell"))
"""Tools that read from or write to a command that keeps running."""
_QUIET_TOOLS: Final = frozenset(("report_intent", "task_complete"))
"""Tools that only report what a separate record reports as well."""
_PLAN_TOOL: Final = "exit_plan_mode"
_EDITOR: Final = "str_replace_editor"
_MAX_OPEN_CALLS: Final = 100
_MAX_QUERY_CHARS: Final = 10_000

_FROM_HOOKS: Final = re.compile(
    r'\n*Tool "[^"\n]*" (?:succeeded|failed)\. Additional guidance from \w+ hooks:.*\Z', re.DOTALL
)
# The first in 1.0.102, the others in 1.0.48.
ENDED: Final = re.compile(
    r"\n?<(?:shellId: \S+ completed|command with id: \S+ exited|exited) with exit code (?P<code>-?\d{1,9})>\s*\Z"
)
_RUNNING: Final = re.compile(
    r"<command (?:started in background )?with shellId: (?P<shell>[^\s>]+)(?:\s[^<>\n]*)?>\s*\Z"
)
_NEVER_RAN: Final = re.compile(
    r" in JSON at position \d|^Tool '.*' does not exist|^Multiple validation errors|\": Required\b"
)
_ANSWERED: Final = re.compile(r"\AUser (?:selected: |responded:[ \n])")
"""What precedes an answer: `User selected: Cents` (1.0.48), `User responded: Cents` (1.0.102)."""
_SKIPPED_QUESTION: Final = ("User skipped", "The user is not available", "User declined", "The user declined")


class _LeftRunning(msgspec.Struct, frozen=True):
    """A call whose command runs on in this shell; its result comes when the process ends."""

    shell: str


def parse_call(builder: Builder) -> None:
    """Handles a tool call by the model, with any question or plan for the user, or a command that the user ran."""
    actor: Actor = "human" if builder.type == "tool.user_requested" else "model"
    call_id = usable_name(builder.text("toolCallId"))
    name = usable_name(builder.text("toolName"))
    if call_id is None or name is None:
        builder.skip(builder.type, "no usable id or name")
        return
    if name in _QUIET_TOOLS or any(call.id == call_id for call in builder.context.calls):
        return
    raw = builder.data.get("arguments", rawjson.ABSENT)
    given = fields_of(raw) or {"input": raw}  # a patch may be the only one
    name = editor_command(name, given)
    call = _open_call(builder, call_id, name, given)
    call = call if actor == "model" else msgspec.structs.replace(call, actor=actor, changes=())
    builder.add(call.as_event(), "call")
    builder.change(calls=opened(builder.context.calls, call, most=_MAX_OPEN_CALLS))
    if call.question:
        builder.add(Question(call_id=call.id, text=call.question, options=_options(given)), "question")
    elif name == _PLAN_TOOL:
        builder.add(PlanProposal(call_id=call.id, text=first_text(given, "summary")), "plan")


def editor_command(name: str, given: Fields) -> str:
    """Returns the tool that a call amounts to: before 0.0.350, one tool both views and changes files, depending on
    `command`."""
    command = first_text(given, "command")
    if name != _EDITOR:
        return name
    return command if command in ("view", "create") else "edit"


def _open_call(builder: Builder, call_id: str, name: str, given: Fields) -> OpenCall:
    query = first_text(given, "query") if name == "sql" else ""
    cwd = builder.context.cwd
    op = "plan" if "todos" in query.lower() else tools.op_of(name)
    about = tools.subject_in(op, given)
    return OpenCall(
        id=call_id,
        name=name,
        op=op,
        subject=about,
        thread=builder.subagent_id or "",
        changes=tools.planned(op, given, cwd),
        question=about if op == "ask" else "",
        query=query if op == "plan" and len(query) <= _MAX_QUERY_CHARS else "",
        process=usable_name(first_text(given, "shellId")) if name in _READ_SHELLS else None,
        handoff=names_own_folder(" ".join((cwd or "", about, first_text(given, *tools.PATHS)))),
    )


def _options(given: Fields) -> tuple[str, ...]:
    # `choices` in 1.0.48, the fields of a form in 1.0.102.
    form = fields_of(fields_of(given.get("requestedSchema")).get("properties")).values()
    listed = [given.get("choices"), *(fields_of(field).get("enum") for field in form)]
    return tuple(filter(None, (text_of(choice) for choices in listed for choice in items_of(choices))))


def parse_result(builder: Builder) -> None:
    """Emits the result of a call, and what followed from it if it succeeded."""
    call_id = builder.text("toolCallId")
    if not call_id:
        builder.skip(builder.type, "unexpected shape")
        return
    call = next((call for call in builder.context.calls if call.id == call_id), None)
    if call is None:  # a tool that only reports something, or a call that an abort has ended
        return
    outcome = _outcome(builder, call)
    if isinstance(outcome, _LeftRunning):
        _replace(builder, call.id, process=outcome.shell)
        _report_running(builder, call, "running")
        return
    is_of_process = call.name in _READ_SHELLS and call.process is not None and outcome.exit_code is not None
    if is_of_process:
        has_ended = _end_process(builder, call.process, outcome)
        if has_ended:
            # What a process printed, and how it ended, belongs to the call that started it.
            outcome = ToolOutcome("ok")
    _finish(builder, call, outcome, "")
    if outcome.status == "ok" and not is_of_process:
        _add_what_followed(builder, call, outcome)
    elif call.name == _PLAN_TOOL:
        builder.add(PlanProposal(call_id=call.id, text="", accepted=False), "plan")


def parse_notification(builder: Builder) -> None:
    """Handles the end of a command that kept running, which the client reports to the model."""
    kind = fields_of(builder.data.get("kind"))
    shell = text_of(kind.get("shellId"))
    if text_of(kind.get("type")) != "shell_completed" or not shell:
        return
    if number_of(kind.get("exitCode")) == 0:
        _end_process(builder, shell, ToolOutcome("ok", exit_code=0))
    elif (call := _running(builder, shell)) is not None:
        # What it printed is read by a separate call, if at all, which then ends it.
        builder.add(BackgroundTask(task_id=call.id, state="done"), "ended.task")


def parse_decision(builder: Builder) -> None:
    """Handles the user's decision about a call; only a refusal matters."""
    decision = fields_of(builder.data.get("result"))
    call_id = builder.text("toolCallId")
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
        if call.thread == (thread or ""):
            denied = ToolOutcome("denied", never_ran=True, user_words=call.words)
            _finish(builder, call, denied if call.denied else ToolOutcome("interrupted"), f"{number}.")
        else:
            builder.change(calls=closed(builder.context.calls, call.id))


def _outcome(builder: Builder, call: OpenCall) -> ToolOutcome | _LeftRunning:
    """Returns how a call ended, or that its command runs on."""
    result = fields_of(builder.data.get("result"))
    error = fields_of(builder.data.get("error"))
    # Text that hooks add for the model is at the end.
    text = _FROM_HOOKS.sub("", without_ansi(text_of(result.get("content")) or text_of(error.get("message"))))
    if not is_true(builder.data.get("success")):
        return _failure(text_of(error.get("code")), text, call)
    ended = ENDED.search(text)
    output = text[: ended.start()] if ended else text
    code = number_of(fields_of(builder.data.get("shellExecution")).get("exitCode"))  # 1.0.102
    code = int(ended["code"]) if code is None and ended else code
    if code is not None:
        return ToolOutcome("ok" if code == 0 else "error", output, code)
    if call.op == "shell":
        # One that the user ran is never left running, so all of it is what it printed.
        running = _RUNNING.search(text) if call.actor == "model" else None
        return _LeftRunning(running["shell"]) if running is not None else ToolOutcome("unknown", output)
    is_skipped = call.op == "ask" and output.startswith(_SKIPPED_QUESTION)
    return ToolOutcome("denied" if is_skipped else "ok", output)


def _failure(code: str, message: str, call: OpenCall) -> ToolOutcome:
    if call.denied or code in ("denied", "rejected"):
        return ToolOutcome("denied", message, never_ran=True, user_words=call.words)
    if code in ("interrupted", "aborted", "cancelled"):
        return ToolOutcome("interrupted", message)
    return ToolOutcome("error", message, never_ran=_NEVER_RAN.search(message) is not None)


def _finish(builder: Builder, call: OpenCall, outcome: ToolOutcome, part: str) -> None:
    builder.change(calls=closed(builder.context.calls, call.id))
    builder.add(call.ended(outcome), f"{part}result")


def _report_running(builder: Builder, call: OpenCall, part: str) -> None:
    builder.add(BackgroundTask(task_id=call.id, state="running", label=bounded(call.subject, SHORT_CHARS)), part)


def _replace(builder: Builder, call_id: str, **changes: object) -> None:
    calls = builder.context.calls
    builder.change(
        calls=tuple(msgspec.structs.replace(call, **changes) if call.id == call_id else call for call in calls)
    )


def _running(builder: Builder, process: str | None) -> OpenCall | None:
    calls = reversed(builder.context.calls)
    return next((call for call in calls if call.process == process and call.op == "shell"), None)


def _end_process(builder: Builder, process: str | None, outcome: ToolOutcome) -> bool:
    """Ends the call that left the process running; returns False if there is none."""
    call = _running(builder, process)
    if call is None:
        return False
    _finish(builder, call, outcome, "ended.")
    state: Literal["done", "stopped"] = "done" if outcome.status in ("ok", "error") else "stopped"
    builder.add(BackgroundTask(task_id=call.id, state=state), "ended.task")
    if outcome.status == "ok":
        _add_changes(builder, call)
    return True


def _add_what_followed(builder: Builder, call: OpenCall, outcome: ToolOutcome) -> None:
    if call.op in ("edit", "write"):
        diff = text_of(fields_of(builder.data.get("result")).get("detailedContent"))
        _add_changes(builder, msgspec.structs.replace(call, changes=tools.applied(call.changes, diff)))
    elif call.op == "shell":
        _add_changes(builder, call)
    elif call.op == "ask" and call.question:
        if text := _ANSWERED.sub("", outcome.output).strip():
            builder.add(Answer(call_id=call.id, question=call.question, text=text), "answer")
    elif call.name == _PLAN_TOOL:
        builder.add(PlanProposal(call_id=call.id, text="", accepted=True), "plan")
    elif call.op == "agent" and _mode(builder) == "background":
        _report_running(builder, call, "task")
    after = tools.after_sql(builder.context.todos, call.query)
    if after != builder.context.todos:
        builder.change(todos=after)
        builder.add(PlanUpdate(items=tuple(PlanItem(text=todo.text, state=todo.state) for todo in after)), "todos")


def _mode(builder: Builder) -> str:
    """Returns how the client says that a sub-agent was run (1.0.48, 1.0.102); its report is the sub-agent's text."""
    telemetry = builder.data.get("toolTelemetry", rawjson.ABSENT)
    return text_of(inside(telemetry, "properties", "execution_mode"))


def _add_changes(builder: Builder, call: OpenCall) -> None:
    for number, change in enumerate(call.changes):
        builder.add(as_edit(change, call.id), f"edit{number}")
