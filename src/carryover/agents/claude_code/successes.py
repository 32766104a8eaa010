"""What a successful tool call changed: files, answers, plans, tasks, and jobs left running in the background."""

from __future__ import annotations

import re
from typing import Any, Final, Literal, TypeVar

import msgspec

from carryover.agents.claude_code import edits, plans
from carryover.agents.claude_code.builder import Builder
from carryover.agents.claude_code.context import OpenCall
from carryover.agents.claude_code.kinds import LOOKS_AT_JOB, STOPS_JOB, TASK_STATES
from carryover.model import Answer, BackgroundTask, PlanProposal
from carryover.records import rawjson
from carryover.records.changes import as_edit
from carryover.records.text import HANDOFF_FILE, tagged

_ANSWERED: Final = re.compile(r'"([^"]+)"="([^"]*)"')
_SHELL_ID: Final = re.compile(r"(?:in background with ID: |to the background \(ID: )([\w-]+)")
_AGENT_ID: Final = re.compile(r"^agentId: ([\w-]+)", re.MULTILINE)

T = TypeVar("T")


class ShellResult(msgspec.Struct, frozen=True, rename="camel"):
    """`toolUseResult` of Bash (2.0.65, 2.1.328) and of Monitor (`task_id`, unverified)."""

    interrupted: bool | None = None
    background_task_id: str | None = None
    task_id: str | None = None


class AgentResult(msgspec.Struct, frozen=True, rename="camel"):
    """`toolUseResult` of Task and Agent (2.1.15, 2.1.328)."""

    status: str | None = None
    agent_id: str | None = None
    description: str | None = None


class AskResult(msgspec.Struct, frozen=True):
    """`toolUseResult` of AskUserQuestion (2.1.11, 2.1.328)."""

    answers: dict[str, Any] = msgspec.field(default_factory=dict)


class PlanResult(msgspec.Struct, frozen=True):
    """`toolUseResult` of ExitPlanMode: the plan as the user approved it (2.1.328)."""

    plan: str | None = None


class StopResult(msgspec.Struct, frozen=True):
    """`toolUseResult` of TaskStop (`task_id`) and of the older KillShell (`shell_id`); in no fixture yet."""

    task_id: str | None = None
    shell_id: str | None = None


def structured(builder: Builder, call: OpenCall, kind: type[T]) -> T | None:
    """The structured result, None where there is none: in sub-agents' files, and of a failure, which is a string."""
    raw = builder.line.tool_use_result
    if memoryview(raw)[:1].tobytes() != b"{":
        return None
    result = rawjson.part_of(raw, kind)
    if result is None:
        builder.skip(f"user/toolUseResult/{call.name}", "unexpected shape")
    return result


def parse_success(builder: Builder, part: str, call: OpenCall, output: str, shell: ShellResult | None) -> None:
    """Add what followed from a call that succeeded with `output` (`shell`: its structured result, for a command)."""
    if call.changes:
        _parse_changes(builder, part, call, output)
    if call.op == "shell":
        _parse_shell(builder, part, call, output, shell)
    elif call.op == "agent":
        _parse_agent(builder, part, call, output)
    elif call.op == "ask":
        _parse_answers(builder, part, call, output)
    elif call.name == "ExitPlanMode":
        plan = structured(builder, call, PlanResult) or PlanResult()
        builder.add(PlanProposal(call_id=call.id, text=plan.plan or "", accepted=True), f"{part}.plan", call.id)
    elif call.name in ("TaskCreate", "TaskUpdate", "TaskList"):
        _parse_tasks(builder, part, call, output)
    elif call.name in STOPS_JOB:
        stopped = structured(builder, call, StopResult) or StopResult()
        _parse_background(builder, part, stopped.task_id or stopped.shell_id or call.task_id, "stopped", call)
    elif call.name in LOOKS_AT_JOB:
        _parse_look(builder, part, call, output)


def _parse_changes(builder: Builder, part: str, call: OpenCall, output: str) -> None:
    changes = call.changes
    if call.op in ("edit", "write"):
        result = structured(builder, call, edits.EditResult)
        changes = tuple(edits.applied(change, result, output) for change in changes)
    for number, change in enumerate(changes):
        if change.path.endswith(HANDOFF_FILE):
            continue
        builder.add(as_edit(change, call.id), f"{part}.edit{number}", call.id)


def _parse_shell(builder: Builder, part: str, call: OpenCall, output: str, result: ShellResult | None) -> None:
    task_id = result.background_task_id or result.task_id if result is not None else None
    if result is None and (found := _SHELL_ID.search(output)):
        task_id = found[1]
    _parse_background(builder, part, task_id, "running", call)


def _parse_agent(builder: Builder, part: str, call: OpenCall, output: str) -> None:
    result = structured(builder, call, AgentResult)
    task_id = None
    if result is not None and result.status == "async_launched":
        task_id = result.agent_id
    elif result is None and output.startswith("Async agent launched") and (found := _AGENT_ID.search(output)):
        task_id = found[1]
    _parse_background(builder, part, task_id, "running", call)


def _parse_look(builder: Builder, part: str, call: OpenCall, output: str) -> None:
    """Where a look at a job finds that it has ended, perhaps nothing else says so."""
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
    builder: Builder, part: str, task_id: str | None, state: Literal["running", "stopped"], call: OpenCall
) -> None:
    if task_id:
        label = call.label or call.subject
        builder.add(BackgroundTask(task_id=task_id, state=state, label=label), f"{part}.task", call.id)


def _parse_answers(builder: Builder, part: str, call: OpenCall, output: str) -> None:
    result = structured(builder, call, AskResult)
    answers = result.answers if result is not None else dict(_ANSWERED.findall(output))
    for number, (question, given) in enumerate(answers.items()):
        text = ", ".join(map(str, given)) if isinstance(given, list) else str(given)
        builder.add(Answer(call_id=call.id, question=question, text=text), f"{part}.answer{number}", call.id)


def _parse_tasks(builder: Builder, part: str, call: OpenCall, output: str) -> None:
    result = structured(builder, call, plans.TaskResult) if call.name != "TaskUpdate" else None
    tasks = plans.apply(builder.context.tasks, call.task, result, output)
    if tasks != builder.context.tasks:
        builder.change(tasks=tasks)
        builder.add(plans.as_update(tasks), f"{part}.tasks", call.id)
