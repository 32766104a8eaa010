"""Tool results: matched with their calls and classified by how they ended."""

from __future__ import annotations

import re
from typing import Final, Literal, TypeVar

from carryover.adapter.contract import ToolOutcome
from carryover.adapter.event_builder import closed
from carryover.agents.claude_code import tools, wire
from carryover.agents.claude_code.builder import Builder, OpenCall
from carryover.agents.claude_code.prompts import plain_output
from carryover.agents.claude_code.wire import LOOKS_AT_JOB, STOPS_JOB, TASK_STATES
from carryover.model import Answer, BackgroundTask, PlanProposal, UserPrompt
from carryover.records import rawjson
from carryover.records.changes import as_edit
from carryover.records.fields import digest
from carryover.records.lenient import Fields, fields_of, first_text, is_true, items_of, read_as, text_of
from carryover.records.text import HANDOFF_FILE, tagged

REJECTED: Final = (
    "The user doesn't want to proceed with this tool use",
    "The user doesn't want to take this action right now",
    "User rejected tool use",
    "User chose to stay in plan mode",
    "The agent proposed a plan that was rejected by the user",
    "Permission for this tool use was denied",
    "Permission for this action was denied",
    "Permission to use ",
    "Claude requested permissions to ",
)
"""The beginning of the result of a call that was not allowed to run (2.1.14, 2.1.232, 2.1.328; some unverified)."""

_SAID: Final = re.compile(
    r"[^\n]{0,400}?(?:[Tt]he user said:|The user provided the following reason for the rejection:)\s*(.*?)"
    r"(?:\n\nNote: The user's next message may contain|\Z)",
    re.DOTALL,
)
"""Precedes the user's words: in the main conversation, a sub-agent, or (the second) the editor extension."""
_CLIENT_SAYS: Final = ("The user wants to clarify these questions", "The user has indicated")
"""The beginning of the client's text for a dismissed question form (2.1.90, 2.1.328): not the user's words."""
_INTERRUPTED: Final = "[Request interrupted by user"
_NOT_READ: Final = ("File has not been read yet", "File has been modified since read")
"""Refusals of an edit that older versions (1.0, seen 1.0.44) write without the error tag."""
_EXIT_CODE: Final = re.compile(r"(?:Error: )?Exit code (-?\d+)(?:\n|\Z)")
_TOOL_ERROR: Final = re.compile(r"<tool_use_error>(.*?)(?:</tool_use_error>|\Z)", re.DOTALL)


def parse_result(builder: Builder, part: str, block: wire.Block) -> None:
    """Handles a `tool_result` block: closes its call and, if the call succeeded, adds what it changed."""
    call_id = block.tool_use_id
    if not call_id:
        builder.skip("user/tool_result", "no tool_use_id")
        return
    call = _close(builder, call_id)
    output = rawjson.text_of(block.content)
    if output is None and bytes(block.content) != b"null":
        builder.skip("user/tool_result", "unexpected content")
    outcome = _outcome(builder, call, plain_output(output or ""), failed=block.is_error is True)
    builder.add(call.ended(outcome), part, call_id)
    if outcome.status == "ok":
        parse_success(builder, part, call, outcome.output)
    elif call.name == "ExitPlanMode" and outcome.status == "denied":
        builder.add(PlanProposal(call_id=call_id, text="", accepted=False), f"{part}.plan", call_id)
    if outcome.user_words and builder.subagent_id is None:
        builder.add(UserPrompt(text=outcome.user_words), f"{part}.said", digest(outcome.user_words))


def _close(builder: Builder, call_id: str) -> OpenCall:
    calls = builder.context.calls
    builder.change(calls=closed(calls, call_id))
    return next((call for call in calls if call.id == call_id), OpenCall(id=call_id, name="", op="other"))


def _outcome(builder: Builder, call: OpenCall, output: str, *, failed: bool) -> ToolOutcome:
    if not failed:
        stopped = call.op == "shell" and is_true(_result(builder).get("interrupted"))
        return ToolOutcome("interrupted" if stopped else "ok", output)
    kind = builder.line.tool_denial_kind
    if output.startswith(_INTERRUPTED):
        return ToolOutcome("interrupted", output)
    if kind is not None or output.startswith(REJECTED):
        return _denied(builder, call, output, kind)
    return _failure(output) or ToolOutcome("error", output)


def outcome_by_text(output: str) -> ToolOutcome:
    """Determines from the output alone how a call ended. Output that names no failure counts as success."""
    if output.startswith(_INTERRUPTED):
        return ToolOutcome("interrupted", output)
    if output.startswith(REJECTED):
        return _refused(output)
    return _failure(output) or ToolOutcome("ok", output)


def _refused(output: str) -> ToolOutcome:
    found = _SAID.match(output)
    said = found[1].strip() if found else ""
    return ToolOutcome("denied", output, never_ran=True, user_words="" if said.startswith(_CLIENT_SAYS) else said)


def _failure(output: str) -> ToolOutcome | None:
    """Returns the failure that the form of an output shows; None if it shows none."""
    if found := _TOOL_ERROR.match(output):
        return ToolOutcome("error", found[1].strip(), never_ran=True)
    if output.startswith(_NOT_READ):
        return ToolOutcome("error", output, never_ran=True)
    if found := _EXIT_CODE.match(output):
        return ToolOutcome("error", output[found.end() :], exit_code=int(found[1]))
    return None


def _denied(builder: Builder, call: OpenCall, output: str, kind: str | None) -> ToolOutcome:
    # Ctrl-C in a running tool is written as a rejection too; only a refused one has the flag (2.1.328). Asking the
    # user is running: a question or plan that is dismissed was refused.
    running = kind == "user-rejected" and not builder.line.tool_denial_before_run and not _SAID.match(output)
    if running and call.op not in ("ask", "plan"):
        return ToolOutcome("interrupted", output)
    return _refused(output)


_ANSWERED: Final = re.compile(r'"([^"]+)"="([^"]*)"')
_SHELL_ID: Final = re.compile(r"(?:in background with ID: |to the background \(ID: )([\w-]+)")
_AGENT_ID: Final = re.compile(r"^agentId: ([\w-]+)", re.MULTILINE)

T = TypeVar("T")


def _result(builder: Builder) -> Fields:
    """Returns the structured result; empty in sub-agents' files and for failures, which are strings."""
    return fields_of(builder.line.tool_use_result)


def parse_success(builder: Builder, part: str, call: OpenCall, output: str) -> None:
    """Adds the effects of a call that succeeded with `output`."""
    if call.changes:
        _parse_changes(builder, part, call, output)
    if call.op == "shell":
        _parse_shell(builder, part, call, output)
    elif call.op == "agent":
        _parse_agent(builder, part, call, output)
    elif call.op == "ask":
        _parse_answers(builder, part, call, output)
    elif call.name == "ExitPlanMode":
        plan = text_of(_result(builder).get("plan"))
        builder.add(PlanProposal(call_id=call.id, text=plan, accepted=True), f"{part}.plan", call.id)
    elif call.name in ("TaskCreate", "TaskUpdate", "TaskList"):
        _parse_tasks(builder, part, call)
    elif call.name in STOPS_JOB:
        stopped = first_text(_result(builder), "task_id", "shell_id") or call.task_id
        _parse_background(builder, part, stopped, "stopped", call)
    elif call.name in LOOKS_AT_JOB:
        _parse_look(builder, part, call, output)


def _parse_changes(builder: Builder, part: str, call: OpenCall, output: str) -> None:
    changes = call.changes
    if call.op in ("edit", "write"):
        result = read_as(builder.line.tool_use_result, tools.EditResult)
        changes = tuple(tools.applied(change, result, output) for change in changes)
    for number, change in enumerate(changes):
        if change.path.endswith(HANDOFF_FILE):
            continue
        builder.add(as_edit(change, call.id), f"{part}.edit{number}", call.id)


def _parse_shell(builder: Builder, part: str, call: OpenCall, output: str) -> None:
    result = _result(builder)
    task_id = first_text(result, "backgroundTaskId", "taskId")
    if not result and (found := _SHELL_ID.search(output)):
        task_id = found[1]
    _parse_background(builder, part, task_id, "running", call)


def _parse_agent(builder: Builder, part: str, call: OpenCall, output: str) -> None:
    result = _result(builder)
    task_id = ""
    if text_of(result.get("status")) == "async_launched":
        task_id = text_of(result.get("agentId"))
    elif not result and output.startswith("Async agent launched") and (found := _AGENT_ID.search(output)):
        task_id = found[1]
    _parse_background(builder, part, task_id, "running", call)


def _parse_look(builder: Builder, part: str, call: OpenCall, output: str) -> None:
    """Emits the end of a job that a status call found ended, since there may be no other record of it."""
    head, _, printed = output.partition("<output>")
    state = TASK_STATES.get((tagged(head, "status") or "").strip())
    task_id = (tagged(head, "task_id") or call.task_id).strip()
    if not task_id or state in (None, "running"):
        return
    if state == "done" and (tagged(head, "exit_code") or "0").strip() != "0":
        state = "failed"
    by_agent = "agent" in (tagged(head, "task_type") or "")
    report = printed.rpartition("</output>")[0].strip() if by_agent else ""
    builder.add(BackgroundTask(task_id=task_id, state=state, report=report), f"{part}.task", call.id)


def _parse_background(
    builder: Builder, part: str, task_id: str, state: Literal["running", "stopped"], call: OpenCall
) -> None:
    if task_id:
        label = call.label or call.subject
        builder.add(BackgroundTask(task_id=task_id, state=state, label=label), f"{part}.task", call.id)


def _parse_answers(builder: Builder, part: str, call: OpenCall, output: str) -> None:
    """Emits the user's answers; an answer with several choices is a list."""
    given = fields_of(_result(builder).get("answers"))
    answers = {question: text_of(raw) or ", ".join(map(text_of, items_of(raw))) for question, raw in given.items()}
    for number, (question, text) in enumerate((answers or dict(_ANSWERED.findall(output))).items()):
        builder.add(Answer(call_id=call.id, question=question, text=text), f"{part}.answer{number}", call.id)


def _parse_tasks(builder: Builder, part: str, call: OpenCall) -> None:
    tasks = tools.tasks_after(builder.context.tasks, call.task, _result(builder))
    if tasks != builder.context.tasks:
        builder.change(tasks=tasks)
        builder.add(tools.as_update(tasks), f"{part}.tasks", call.id)
