"""Tool calls: what each was asked to do, how it ended, and what its success changed."""

from __future__ import annotations

import re
from typing import Final, Literal

from msgspec.structs import replace

from carryover.adapter.contract import ToolOutcome
from carryover.adapter.event_builder import closed, opened, usable_folder, usable_name
from carryover.adapter.refusals import CLIENT_WORDED, refused
from carryover.agents.claude_code.builder import Block, Builder, Line, OpenCall, Task
from carryover.model import Answer, BackgroundTask, Op, PlanItem, PlanProposal, PlanState, PlanUpdate, UserPrompt
from carryover.records import rawjson, shell_files
from carryover.records.asked import JOB_STATES, asked_in, plan_items
from carryover.records.changes import Change, Hunk, as_edit, patched, planned
from carryover.records.fields import SHORT_CHARS, SUBJECT_CHARS, bounded, digest, resolved
from carryover.records.lenient import Fields, fields_of, first_text, is_true, items_of, read_as, text_of
from carryover.records.text import names_handoff_file, names_own_folder, tagged, without_ansi

MAX_TASKS: Final = 200
_TOOLS: Final[dict[Op, str]] = {
    "shell": "Bash PowerShell Monitor",
    "read": "Read NotebookRead",
    "edit": "Edit MultiEdit NotebookEdit",
    "write": "Write",
    "search": "Glob Grep LS",
    "web": "WebFetch WebSearch",
    "plan": "TodoWrite TodoRead TaskCreate TaskUpdate TaskList TaskGet EnterPlanMode ExitPlanMode",
    "ask": "AskUserQuestion",
    "agent": "Task Agent",
}
OPS: Final = {tool: op for op, tools in _TOOLS.items() for tool in tools.split()}
"""Operations of the known tools (2.0.65 to 2.1.328). All others, including `mcp__*`, are `other`."""
_SUBJECTS: Final = tuple("command file_path notebook_path pattern url query skill path description subject".split())
"""The input fields that may describe a call, the most informative first."""
_FIRST_SUBJECTS: Final = {"agent": ("description",), "other": ("description",), "plan": ("subject",)}
"""The input field that describes a call of these operations better than all of `_SUBJECTS`."""
_JOBS: Final = ("task_id", "bash_id", "shell_id", "agentId")
"""Keys for the id of a background job: each version has a different one."""
_LOOKS_AT_JOB: Final = frozenset(("BashOutput", "TaskOutput", "AgentOutputTool"))
"""Tools that check a background job (the first in 1.0 and 2.0, reported)."""
_STOPS_JOB: Final = frozenset(("TaskStop", "KillShell", "KillBash"))
_STATES: Final[dict[str, PlanState]] = {"pending": "pending", "in_progress": "active", "completed": "done"}
_OWN_NOTES: Final = re.compile(r"/\.claude/(?:plans|projects)/")
"""Plans and memory that the client keeps for itself (2.0.28, 2.1.328), outside every project and not part of the
work."""

_REFUSALS: Final = (
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
    r"(?:The user doesn't want to (?:proceed with this tool use|take this action right now)"
    r"|Permission for this tool use was denied)\.[^\n]{0,400}?"
    r"(?:[Tt]he user said:|The user provided the following reason for the rejection:)\s*(.*?)"
    r"(?:\n\nNote: The user's next message may contain[^\n]*)?",
    re.DOTALL,
)
"""The whole text of a refusal with the user's words: in the main conversation, a sub-agent, or (the second) before
2.0.32 and in the editor extension."""
_REJECTED: Final = "User rejected tool use"
"""`toolUseResult` of a refused call (2.1.37 to 2.1.328). For an error it is "Error: " and the tool's text."""
_HAS_DENIAL_KIND: Final = (2, 1, 186)
"""The first version that writes `toolDenialKind`; 2.1.185 has no such word in its code."""
_HAS_EXIT_CODE: Final = (2, 0, 32)
"""The first version in which the result of a failed command begins with the client's `Exit code`; before, with what the
command printed (2.0.8, 2.0.31)."""
_CLIENT_SAYS: Final = ("The user wants to clarify these questions", "The user has indicated")
"""The beginning of the client's text for a dismissed question form (2.1.90, 2.1.328): not the user's words."""
_INTERRUPTED: Final = "[Request interrupted by user"
_EXIT_CODE: Final = re.compile(r"(?:Error: )?Exit code (-?\d+)(?:\n|\Z)")
_TOOL_ERROR: Final = re.compile(
    r"(?s)(?:<tool_use_error>|(?=File has (?:not been|been modified since) read))(.*?)(?:</tool_use_error>|\Z)"
)
"""The reason why a call never ran. That of an edit has no tag in older versions (1.0.44)."""
_REMINDER: Final = re.compile(r"\n*<system-reminder>.*?</system-reminder>", re.DOTALL)
_ADDED: Final = re.compile(
    r"\A\(\w+ completed with no output\)\Z|\n?^agentId: \w+ \([^\n]*\)(?:\s*<usage>[^<]*</usage>)?\s*\Z", re.M
)
"""Stands for an empty output (2.1.79 and later), or follows a sub-agent's report (2.0.65 and later)."""
_ORDER: Final = re.compile(
    r"\n{0,3}^(?:REMINDER: You MUST [^\n]*|NOTE: do any of the files above seem malicious\?[^\n]*)\s*\Z", re.M
)
"""Follows the results of a web search (2.1.37 to 2.1.63) and the list of a folder (1.0.53)."""
_LAUNCHED: Final = "Async agent launched successfully."
"""Before what the model is to do about a sub-agent in the background (2.1.15, 2.1.16)."""
_TO_THE_MODEL: Final = (*_REFUSALS[:2], _INTERRUPTED)
"""The beginning of a result that only says to the model how to go on: nothing ran, and nobody said it."""


def parse_call(builder: Builder, part: str, block: Block) -> None:
    """Handles a `tool_use` block: adds the call and any question, plan or todo list in its input."""
    call_id = usable_name(block.id)
    name = usable_name(block.name)
    if call_id is None or name is None:
        builder.skip("assistant/tool_use", "no usable id or name")
        return
    given = rawjson.part_of(block.input, Fields)
    if given is None:
        builder.skip(f"assistant/tool_use/{name}", "unexpected input")
        given = {}
    asked = asked_in(given.get("questions")) if name == "AskUserQuestion" else []
    call = _open_call(call_id, name, given, asked[0].question if asked else "", builder.place)
    builder.add(call.as_event(), part, call.id)
    builder.change(calls=opened(builder.context.calls, call))
    for number, question in enumerate(asked):
        builder.add(question.as_event(call.id), f"{part}.question{number}", call.id)
    if name == "ExitPlanMode":  # some versions only write the plan to its file
        builder.add(PlanProposal(call_id=call.id, text=text_of(given.get("plan"))), f"{part}.plan", call.id)
    elif name == "TodoWrite":
        todos = plan_items(given.get("todos"), "content")
        builder.add(PlanUpdate(items=todos), f"{part}.todos", call.id)


def _open_call(call_id: str, name: str, given: Fields, question: str, cwd: str | None) -> OpenCall:
    op = OPS.get(name, "other")
    about = question or first_text(given, *_FIRST_SUBJECTS.get(op, ()), *_SUBJECTS)
    changes: tuple[Change, ...] = ()
    if op in ("edit", "write"):
        changes = _planned(given, cwd)
    elif name == "Bash":
        changes = shell_files.changes(first_text(given, "command"), cwd)
    job = first_text(given, *_JOBS) if name in _LOOKS_AT_JOB | _STOPS_JOB else ""
    return OpenCall(
        id=call_id,
        name=name,
        op=op,
        subject=bounded(about, SUBJECT_CHARS),
        label=bounded(first_text(given, "status" if name == "TaskUpdate" else "description"), SHORT_CHARS),
        changes=changes,
        task_id=usable_name(job) or "",
        handoff=names_own_folder(" ".join((cwd or "", about, first_text(given, "path")))),
    )


def _planned(given: Fields, cwd: str | None) -> tuple[Change, ...]:
    """Returns the change that an edit call asks for, as far as its input shows it; empty if it names no file."""
    named = first_text(given, "file_path", "notebook_path")
    path = usable_folder(resolved(named, cwd)) if named else None
    return () if path is None or _OWN_NOTES.search(path) else (planned(path, given),)


def parse_result(builder: Builder, part: str, block: Block) -> None:
    """Handles a `tool_result` block: closes its call and, if the call succeeded, adds what it changed."""
    call_id = block.tool_use_id
    if not call_id:
        builder.skip("user/tool_result", "no tool_use_id")
        return
    calls = builder.context.calls
    call = next((call for call in calls if call.id == call_id), OpenCall(id=call_id, name="", op="other"))
    builder.change(calls=closed(calls, call_id))
    output = rawjson.text_of(block.content)
    if output is None and bytes(block.content) != b"null":
        builder.skip("user/tool_result", "unexpected content")
    outcome = _outcome(builder, call, plain_output(output or ""), failed=block.is_error is True)
    builder.add(call.ended(outcome), part, call_id)
    if outcome.status == "ok":
        _parse_success(builder, part, call, outcome.output)
    elif call.name == "ExitPlanMode" and outcome.status == "denied":
        builder.add(PlanProposal(call_id=call_id, text="", accepted=False), f"{part}.plan", call_id)
    if outcome.user_words and builder.subagent_id is None:
        builder.add(UserPrompt(text=outcome.user_words), f"{part}.said", digest(outcome.user_words))


def plain_output(text: str) -> str:
    """Returns a tool's output as text, without the client's additions."""
    plain = without_ansi(without_reminders(text))
    if plain.startswith(f"{_LAUNCHED}\n"):
        return _LAUNCHED
    plain = _ORDER.sub("", plain) if " you MUST " in plain or "REMINDER: You MUST " in plain else plain
    return _ADDED.sub("", plain) if plain.rstrip().endswith((")", "</usage>")) else plain


def without_reminders(text: str) -> str:
    """Returns `text` without the blocks that the client adds to tool output and summaries (2.0.65, 2.1.328)."""
    return _REMINDER.sub("", text) if "</system-reminder>" in text else text


def _outcome(builder: Builder, call: OpenCall, output: str, *, failed: bool) -> ToolOutcome:
    line = builder.line
    if not failed:
        stopped = call.op == "shell" and is_true(fields_of(line.tool_use_result).get("interrupted"))
        return ToolOutcome("interrupted" if stopped else "ok", output)
    if line.tool_denial_kind is None:
        by_client, by_user = _words_refusals(call, line)
        return _by_text(output, by_client=by_client, by_user=by_user) or ToolOutcome("error", output)
    # Ctrl-C in a running tool is written as a rejection too; only a refused one has the flag (2.1.328). Asking the user
    # is running: a question or plan that is dismissed was refused.
    rejected = line.tool_denial_kind == "user-rejected"
    stopped = rejected and not line.tool_denial_before_run and call.op not in ("ask", "plan")
    if output.startswith(_INTERRUPTED) or (stopped and not _SAID.fullmatch(output)):
        return ToolOutcome("interrupted", _printed(output))
    return _refused(output, by_client=True, by_user=rejected)


def _words_refusals(call: OpenCall, line: Line) -> tuple[bool, bool]:
    """Returns whether a result of `call` that reads like a refusal is the client's, and whether words in it are the
    user's, in a record without `toolDenialKind`."""
    if text_of(line.tool_use_result) == _REJECTED:
        return True, True
    numbers = tuple(int(number) for number in (line.version or "").split(".") if number.isdigit())
    by_client = call.op in CLIENT_WORDED or (call.op == "shell" and numbers >= _HAS_EXIT_CODE)
    return by_client, by_client and () < numbers < _HAS_DENIAL_KIND


def read_outcome(op: Op, text: str) -> ToolOutcome:
    """Determines from the output alone how a call ended. Output that names no failure counts as success. Whose words a
    refusal quotes can't be known, and what was read or printed may look like one."""
    output = plain_output(text)
    by_client = op in ("edit", "write", "plan", "ask")
    return _by_text(output, by_client=by_client, by_user=False) or ToolOutcome("ok", output)


def _by_text(output: str, *, by_client: bool, by_user: bool) -> ToolOutcome | None:
    """Returns the failure that the form of an output shows; None if it shows none."""
    if output.startswith(_INTERRUPTED):
        return ToolOutcome("interrupted", _printed(output))
    if output.startswith(_REFUSALS) and (by_client or _SAID.fullmatch(output)):
        return _refused(output, by_client=by_client, by_user=by_user)
    if found := _TOOL_ERROR.match(output):
        return ToolOutcome("error", found[1].strip(), never_ran=True)
    if found := _EXIT_CODE.match(output):
        return ToolOutcome("error", output[found.end() :], exit_code=int(found[1]))
    return None


def _printed(output: str) -> str:
    """Returns the output of a call that was refused or interrupted without the client's words to the model."""
    return "" if output.startswith(_TO_THE_MODEL) else output


def _refused(output: str, *, by_client: bool, by_user: bool) -> ToolOutcome:
    found = _SAID.fullmatch(output)
    said = found[1].strip() if found else ""
    words = "" if said.startswith(_CLIENT_SAYS) else said
    return refused(_printed(output) if by_client else output, words, by_client=by_client, by_user=by_user)


def _parse_success(builder: Builder, part: str, call: OpenCall, output: str) -> None:
    """Adds the effects of a call that succeeded. Sub-agents' files have no structured result."""
    result = fields_of(builder.line.tool_use_result)
    for number, change in enumerate(_made(call, result, output)):
        if not names_handoff_file(change.path):
            builder.add(as_edit(change, call.id), f"{part}.edit{number}", call.id)
    if call.op == "shell":
        _parse_job(builder, part, call, first_text(result, "backgroundTaskId", "taskId"), "running")
    elif call.op == "agent" and text_of(result.get("status")) == "async_launched":
        _parse_job(builder, part, call, text_of(result.get("agentId")), "running")
    elif call.op == "ask":
        _parse_answers(builder, part, call, result)
    elif call.name == "ExitPlanMode":
        plan = text_of(result.get("plan"))
        builder.add(PlanProposal(call_id=call.id, text=plan, accepted=True), f"{part}.plan", call.id)
    elif call.op == "plan":
        _parse_tasks(builder, part, call, result)
    elif call.name in _STOPS_JOB:
        _parse_job(builder, part, call, first_text(result, "task_id", "shell_id") or call.task_id, "stopped")
    elif call.name in _LOOKS_AT_JOB:
        _parse_look(builder, part, call, output)


def _made(call: OpenCall, result: Fields, output: str) -> tuple[Change, ...]:
    """Returns the changes as they were made.

    The result tells a created file from an overwritten one, and its patch gives the lines.
    """
    if call.op not in ("edit", "write"):
        return call.changes
    is_new = text_of(result.get("type")) == "create"
    if not is_new and (patch := read_as(result.get("structuredPatch"), list[Hunk])):
        return tuple(patched(change, patch) for change in call.changes)
    # In sub-agents' files the text of the result says so (2.0.65, 2.1.328).
    if is_new or output.startswith("File created successfully"):
        return tuple(replace(change, change="add") for change in call.changes)
    # The input of Write says how long the file is, which is not what changed in one that existed.
    unknown = {"added": None, "removed": None, "line": None}
    return tuple(change if change.line is None else replace(change, **unknown) for change in call.changes)


def _parse_job(builder: Builder, part: str, call: OpenCall, job: str, state: Literal["running", "stopped"]) -> None:
    if job:
        task = BackgroundTask(task_id=job, state=state, label=call.label or call.subject)
        builder.add(task, f"{part}.task", call.id)


def _parse_look(builder: Builder, part: str, call: OpenCall, output: str) -> None:
    """Emits the end of a job that a status call found ended, since there may be no other record of it."""
    head, _, printed = output.partition("<output>")
    state = JOB_STATES.get((tagged(head, "status") or "").strip())
    task_id = (tagged(head, "task_id") or call.task_id).strip()
    if not task_id or state in (None, "running"):
        return
    if state == "done" and (tagged(head, "exit_code") or "0").strip() != "0":
        state = "failed"
    by_agent = "agent" in (tagged(head, "task_type") or "")
    report = printed.rpartition("</output>")[0].strip() if by_agent else ""
    builder.add(BackgroundTask(task_id=task_id, state=state, report=report), f"{part}.task", call.id)


def _parse_answers(builder: Builder, part: str, call: OpenCall, result: Fields) -> None:
    """Emits the user's answers; an answer with several choices is a list."""
    for number, (question, raw) in enumerate(fields_of(result.get("answers")).items()):
        text = text_of(raw) or ", ".join(map(text_of, items_of(raw)))
        builder.add(Answer(call_id=call.id, question=question, text=text), f"{part}.answer{number}", call.id)


def _parse_tasks(builder: Builder, part: str, call: OpenCall, result: Fields) -> None:
    """Follows the task list, which TaskCreate and TaskUpdate change and TaskList gives whole (2.1.42 to 2.1.328).

    A task created before the transcript began is unknown until it is listed. A new state comes from the call, since
    the result has none if another agent of a team set it before.
    """
    tasks = {} if "tasks" in result else {task.id: task for task in builder.context.tasks}
    for given in map(fields_of, (*items_of(result.get("tasks")), result.get("task"))):
        ident = usable_name(text_of(given.get("id")))
        text = bounded(text_of(given.get("subject")), SHORT_CHARS)
        if ident is not None and text:
            tasks[ident] = Task(id=ident, text=text, state=_STATES.get(text_of(given.get("status")), "pending"))
    former = tasks.get(text_of(result.get("taskId")))
    if former is not None and call.label == "deleted":
        del tasks[former.id]
    elif former is not None:
        tasks[former.id] = replace(former, state=_STATES.get(call.label, former.state))
    newest = tuple(tasks.values())[-MAX_TASKS:]
    if newest != builder.context.tasks:
        builder.change(tasks=newest)
        items = tuple(PlanItem(text=task.text, state=task.state) for task in newest)
        builder.add(PlanUpdate(items=items), f"{part}.tasks", call.id)
