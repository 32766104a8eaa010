"""Claude Code's tool calls: what each is about, and what it did."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec.structs import replace

from carryover import model
from carryover.adapter.contract import ToolOutcome
from carryover.agents.claude_code.lines import (
    Block,
    ClaudeBuilder,
    ClaudeContext,
    ClaudeWorktree,
    OpenClaudeCall,
    made_worktree,
    tree_added,
    with_tree,
)
from carryover.agents.claude_code.outcomes import line_outcome, plain_output
from carryover.model import FileEdit, PlanItem
from carryover.records import rawjson, shell_files
from carryover.records.asked import JOB_STATES, MOST_TODOS, PLAN_STATES, asked_in, plan_items, plan_of
from carryover.records.changes import Hunk, patched, planned
from carryover.records.fields import SHORT_CHARS, bounded, digest, resolved, subject_of
from carryover.records.lenient import Fields, fields_of, first_text, items_of, read_as, text_of
from carryover.records.text import names_handoff_file, names_own_folder, tagged
from carryover.text.pattern import later
from carryover.transcript.open_calls import matters_where
from carryover.transcript.recorder import Tools, all_texts, usable_folder, usable_name

_MOST_EARLY: Final = 8
"""Results whose calls may still come: they came one or two records later."""
_ABOUT: Final = tuple("command file_path notebook_path pattern url query skill path description subject id".split())
TOOLS: Final = Tools(
    {
        "shell": "Bash PowerShell Monitor mcp__workspace__bash",
        "read": "Read NotebookRead",
        "edit": "Edit MultiEdit NotebookEdit",
        "write": "Write",
        "search": "Glob Grep LS ToolSearch",
        "web": "WebFetch WebSearch",
        "plan": "TodoWrite TodoRead TaskCreate TaskUpdate TaskList TaskGet EnterPlanMode ExitPlanMode",
        "ask": "AskUserQuestion",
        "agent": "Task Agent",
    },
    about=_ABOUT,
    about_by_op={
        **dict.fromkeys(("agent", "other"), ("description", *_ABOUT)),
        "plan": ("subject", *_ABOUT),
    },
)
"""The known tools (2.0.65 to 2.1.328). Cowork's shell belongs to an MCP server and runs on a machine of its own:
what a command changes there has other paths than the files that Write names (2.1.128 to 2.1.205)."""
_NUMBERED_SERVER: Final = later(r"\Amcp__[0-9a-f]{8}-[0-9a-f-]{27}__")
"""Before the tool's name, where the server is a connector of the desktop app: its id looks like a token (2.1.128)."""
_JOBS: Final = ("task_id", "bash_id", "shell_id", "agentId")
"""Keys for the id of a background job: each version has a different one."""
_LOOKS_AT_JOB: Final = ("BashOutput", "TaskOutput", "AgentOutputTool")
"""Tools that check a background job (the first in 2.0.28 and 2.0.37)."""
_PRINTED: Final = later(r"^<(?:output|stdout|stderr|timestamp)>", re.MULTILINE)
"""Begins what the job printed, after what they say of it. BashOutput has a tag for each stream, and one for the time
(2.0.28)."""
_STREAM: Final = later(r"^</?(?:stdout|stderr)>$\n?", re.MULTILINE)
_SCHEDULES: Final = ("CronCreate", "ScheduleWakeup")
"""Tools that schedule a prompt, which the client gives the model later (2.1.112 to 2.1.138)."""
_DISMISSED: Final = "[User dismissed"
"""How the answer begins if the user closed the question in the desktop app (2.1.170)."""
_NOTES_ONLY: Final = "(notes only)"
"""Stands for an answer where nothing was chosen (source of 2.1.332)."""
_CHOSEN: Final = later(
    r"(?s)\n *- \"([^\n]*)\"\n  (?:Answer: |\(No answer provided\)\n  User notes: )(.*?)"
    r"(?=\n *- \"|\n\nNote: The user's next message |\Z)"
)
"""A question and its answer so far, where the user would rather talk about the questions (source of 2.1.111, 2.1.332).
"""
_STOPS_JOB: Final = ("TaskStop", "KillShell", "KillBash")
_NOT_RUNNING: Final = later(
    r"(?:Shell|Task) ([\w-]{1,100}) is (?:not running\b[^\n]{0,60}\(status: |already )(\w{1,20})\)?"
    r"|No (?:shell|task) found with ID: ([\w-]{1,100})"
)
"""Why a job could not be stopped (2.0.8, 2.1.39; `already` read about), or was not found (2.0.29 to 2.1.16)."""
_OWN_PLANS: Final = later(r"/\.claude/plans/")
"""Plans that the client keeps for itself (2.0.28, 2.1.328): their text is in the call that proposes one."""


def handle_tool_use(builder: ClaudeBuilder, part: str, block: Block) -> None:
    """Handles a `tool_use` block: adds the call and any question, plan or todo list in its input."""
    builder.call_id, name = block.id or "", _NUMBERED_SERVER.sub("mcp__", block.name or "", count=1)
    if not builder.identify("assistant/tool_use", builder.call_id, name):
        return
    given = rawjson.part_of(block.input, Fields)
    if given is None:
        builder.skip(f"assistant/tool_use/{name}", "unexpected input")
        given = {}
    asked = asked_in(given.get("questions")) if name == "AskUserQuestion" else []
    call = _called(builder, name, given, asked[0].question if asked else "")
    call = replace(call, asks_lines=any("\n" in one.question for one in asked))
    builder.begin_call(call, part, asked, question=f"{part}.question")
    if (status := builder.context.ended.get(call.id)) is not None:
        # Its result, which has all else, is there already, without the call's name. What an edit fails at, such as a
        # file that was not read, is found before it runs.
        outcome = ToolOutcome(status, never_ran=status == "error" and call.op in ("edit", "write"))
        builder.end_call(builder.take_call(call.id), outcome, result=f"{part}.ended", edit=f"{part}.edit")
    if name == "ExitPlanMode":  # some versions only write the plan to its file
        text, file = text_of(given.get("plan")), usable_folder(text_of(given.get("planFilePath"))) or ""
        builder.add(model.PlanProposal(call_id=call.id, text=text, file=file), f"{part}.plan")
    elif name == "TodoWrite":
        builder.add(model.PlanUpdate(items=plan_items(given.get("todos"), "content")), f"{part}.todos")
    elif name in _SCHEDULES and (prompt := text_of(given.get("prompt")).strip()):
        builder.remember("scheduled", digest(prompt))


def _called(builder: ClaudeBuilder, name: str, given: Fields, question: str) -> OpenClaudeCall:
    op, cwd = TOOLS.op(name), builder.place
    about = question or ("" if name == "ToolSearch" else TOOLS.about(op, given))
    about = about or (all_texts(given) if name.startswith("mcp__") else "")
    job = usable_name(first_text(given, *_JOBS)) or "" if name in _LOOKS_AT_JOB + _STOPS_JOB else ""
    changes: tuple[FileEdit, ...] = ()
    tree: ClaudeWorktree | None = None
    folder: str | None = None
    if name == "Bash":
        command = first_text(given, "command")
        changes, tree = shell_files.changes(command, cwd), tree_added(command, cwd)
        folder = cwd if matters_where(command) else None
    elif op in ("edit", "write") and (named := first_text(given, "file_path", "notebook_path")):
        path = usable_folder(resolved(named, cwd))
        changes = () if path is None or _OWN_PLANS.search(path) else (planned(path, given),)
    return OpenClaudeCall(
        id=builder.call_id,
        name=name,
        op=op,
        subject=subject_of(op, about) or (job if name in _LOOKS_AT_JOB else ""),
        label=bounded(first_text(given, "status" if name == "TaskUpdate" else "description"), SHORT_CHARS),
        changes=changes,
        tree=tree,
        task_id=job,
        handoff=names_own_folder(" ".join((cwd or "", about, first_text(given, "path")))),
        folder=folder,
    )


def with_progress(context: ClaudeContext, data: bytes) -> ClaudeContext:
    """Returns the context after a record of progress, which shows that a call runs (2.1.19 to 2.1.63). A hook may run
    before the user is asked."""
    waiting = [call for call in context.calls if not call.ran]
    if not waiting or b'"parentToolUseID"' not in data or b'"hook_progress"' in data:
        return context
    begun = [call.id for call in waiting if f'"parentToolUseID":"{call.id}"'.encode() in data]
    calls = tuple(replace(call, ran=True) if call.id in begun else call for call in context.calls)
    return replace(context, calls=calls) if begun else context


def handle_result(builder: ClaudeBuilder, part: str, block: Block) -> None:
    """Handles a `tool_result` block: closes its call and, if the call succeeded, adds what it changed."""
    builder.call_id = block.tool_use_id or ""
    if not builder.identify("user/tool_result", builder.call_id):
        return
    known = builder.take_call(builder.call_id)
    call = known if isinstance(known, OpenClaudeCall) else OpenClaudeCall(builder.call_id, "", "other")
    output = rawjson.content_text(block.content)
    if output is None and bytes(block.content) != b"null":
        builder.skip("user/tool_result", "unexpected content")
    # What a server's tool prints is no proof of what the user said, a shell's least of all.
    op = "other" if call.name.startswith("mcp__") else call.op
    outcome = line_outcome(builder.line, op, plain_output(output or ""), failed=block.is_error is True)
    if call.ran and outcome.status == "denied":
        # Esc while it runs is worded as a refusal (2.1.63).
        outcome = replace(outcome, status="interrupted", never_ran=False)
    printed = _state_and_output(outcome.output) if call.name in _LOOKS_AT_JOB else outcome.output
    builder.end_call(call, replace(outcome, output=printed), result=part, changes=())
    if call is not known:
        early = {**builder.context.ended, call.id: outcome.status}
        builder.change(ended=dict(list(early.items())[-_MOST_EARLY:]))
    if outcome.status == "ok":
        if (
            call.tree is not None
            and (tree := made_worktree(call.tree, outcome.output, builder.branch_here())) is not None
        ):
            builder.change(trees=with_tree(builder.context.trees, tree))
        for place, body in _effects(builder, call, outcome.output):
            builder.add(body, f"{part}.{place}")
    elif outcome.status == "error" and (ended := _found_ended(call, outcome.output)) is not None:
        builder.add(ended, f"{part}.task")
    elif call.op == "ask" and outcome.status == "denied":
        for number, (question, text) in enumerate(() if call.asks_lines else _CHOSEN.findall(output or "")):
            said = text.replace("\n  User notes: ", "\n")
            builder.add(model.Answer(call_id=call.id, question=question, text=said), f"{part}.answer{number}")
    elif call.name == "ExitPlanMode" and outcome.status == "denied":
        builder.add(model.PlanProposal(call_id=call.id, text="", accepted=False), f"{part}.plan")
    if outcome.user_words and builder.subagent_id is None:
        builder.add(model.UserPrompt(text=outcome.user_words), f"{part}.said", digest(outcome.user_words))


def _effects(builder: ClaudeBuilder, call: OpenClaudeCall, output: str) -> Iterator[tuple[str, model.AnyBody]]:
    """Yields what a call that succeeded did, each with the end of its event's key. Sub-agents' files have no structured
    result."""
    result = fields_of(builder.line.tool_use_result)
    for number, change in enumerate(_made(call, result, output)):
        if not names_handoff_file(change.path):
            yield f"edit{number}", replace(change, call_id=call.id)
    label = call.label or call.subject
    if call.op == "ask":
        for number, (question, text) in enumerate(_answers(result)):
            if not text.startswith(_DISMISSED):
                yield f"answer{number}", model.Answer(call_id=call.id, question=question, text=text)
        if response := text_of(result.get("response")).strip():
            yield "response", model.Answer(call_id=call.id, question=call.subject, text=response)
    elif call.name == "ExitPlanMode":
        yield "plan", model.PlanProposal(call_id=call.id, text=text_of(result.get("plan")), accepted=True)
    elif call.op == "plan":
        tasks = _tasks(builder.context.tasks, call, result)
        if [*tasks.items()] != [*builder.context.tasks.items()]:
            builder.change(tasks=tasks)
            yield "tasks", plan_of(tasks)
    elif call.name in _STOPS_JOB:
        if job := first_text(result, "task_id", "shell_id") or call.task_id:
            yield "task", model.BackgroundTask(task_id=job, state="stopped", label=label)
    elif call.name in _LOOKS_AT_JOB:
        if (ended := _looked(call, output)) is not None:
            yield "task", ended
    elif job := _launched(call, result):
        yield "task", model.BackgroundTask(task_id=job, state="running", label=label)


def _answers(result: Fields) -> Iterator[tuple[str, str]]:
    """Yields each question with what was chosen and, below it, what was typed beside that (2.1.49 to 2.1.332)."""
    chosen = fields_of(result.get("answers"))
    remarks = {asked: fields_of(raw).get("notes") for asked, raw in fields_of(result.get("annotations")).items()}
    typed = {asked: notes for asked, raw in remarks.items() if (notes := text_of(raw).strip())}
    for question in dict.fromkeys((*chosen, *typed)):
        raw, notes = chosen.get(question), typed.get(question, "")
        text = text_of(raw) or ", ".join(map(text_of, items_of(raw)))  # several choices are a list
        both = (notes,) if text == _NOTES_ONLY else (text, notes if notes != text.strip() else "")
        yield question, "\n".join(filter(None, both))


def _made(call: OpenClaudeCall, result: Fields, output: str) -> tuple[FileEdit, ...]:
    """Returns the changes as they were made.

    The result tells a created file from an overwritten one, and its patch gives the lines.
    """
    if call.op not in ("edit", "write"):
        return call.changes
    is_new = text_of(result.get("type")) == "create"
    if not is_new and (patch := read_as(result.get("structuredPatch"), list[Hunk])):
        return tuple(patched(change.path, patch) for change in call.changes)
    # In sub-agents' files the text of the result says so (2.0.65, 2.1.328).
    if is_new or output.startswith("File created successfully"):
        return tuple(replace(change, change="add") for change in call.changes)
    # The input of Write says how long the file is, which is not what changed in one that existed.
    unknown = {"added": None, "removed": None, "line": None}
    return tuple(change if change.line is None else replace(change, **unknown) for change in call.changes)


def _launched(call: OpenClaudeCall, result: Fields) -> str:
    """Returns the job that a call left running in the background; empty if it left none."""
    if call.op == "shell":
        return first_text(result, "backgroundTaskId", "taskId")
    is_launched = call.op == "agent" and text_of(result.get("status")) == "async_launched"
    return text_of(result.get("agentId")) if is_launched else ""


def _state_and_output(output: str) -> str:
    """Returns what a status call says of a job without the client's tags around it (2.0.28, 2.1.34). Of a sub-agent
    that still runs, it lists the calls with all that they write (2.0.74), which the sub-agent's own record has."""
    head, printed = _looked_at(output)
    state = (tagged(head, "status") or "").strip()
    if state == "running" and _is_agent(head):
        return state
    return "\n".join(filter(None, (state, printed))) if state else output


def _is_agent(head: str) -> bool:
    return "agent" in (tagged(head, "task_type") or "")


def _looked_at(output: str) -> tuple[str, str]:
    """Returns what a status call says of a job, and what the job printed without the tags of its streams."""
    found = _PRINTED.search(output)
    head, rest = (output[: found.start()], output[found.start() :]) if found is not None else (output, "")
    if rest.startswith("<output>"):
        return head, rest.removeprefix("<output>").rpartition("</output>")[0].strip()
    before, time, whole = rest.rpartition("<timestamp>")
    return head, _STREAM.sub("", before if time else whole).strip()


def _looked(call: OpenClaudeCall, output: str) -> model.BackgroundTask | None:
    """Returns the end of a job that a status call found ended, since there may be no other record of it."""
    head, printed = _looked_at(output)
    state = JOB_STATES.get((tagged(head, "status") or "").strip())
    task_id = (tagged(head, "task_id") or call.task_id).strip()
    if not task_id or state in (None, "running"):
        return None
    if state == "done" and (tagged(head, "exit_code") or "0").strip() != "0":
        state = "failed"
    return model.BackgroundTask(task_id=task_id, state=state, report=printed if _is_agent(head) else "")


def _found_ended(call: OpenClaudeCall, output: str) -> model.BackgroundTask | None:
    """Returns the end of a job that could not be stopped or looked at, because it has ended or the client, started
    again since, no longer has it."""
    found = _NOT_RUNNING.match(output) if call.name in _LOOKS_AT_JOB + _STOPS_JOB else None
    if found is None:
        return None
    state = JOB_STATES.get(found[2] or "", "stopped")
    return model.BackgroundTask(task_id=found[1] or found[3], state="stopped" if state == "running" else state)


def _tasks(known: Mapping[str, PlanItem], call: OpenClaudeCall, result: Fields) -> dict[str, PlanItem]:
    """Returns the task list by id, which TaskCreate and TaskUpdate change and TaskList gives whole (2.1.42 to 2.1.328).

    A task created before the transcript began is unknown until it is listed. A new state comes from the call, since
    the result has none if another agent of a team set it before.
    """
    tasks = {} if "tasks" in result else dict(known)
    for given in map(fields_of, (*items_of(result.get("tasks")), result.get("task"))):
        ident = usable_name(text_of(given.get("id")))
        text = bounded(text_of(given.get("subject")), SHORT_CHARS)
        if ident is not None and text:
            tasks[ident] = PlanItem(text=text, state=PLAN_STATES.get(text_of(given.get("status")), "pending"))
    ident = text_of(result.get("taskId"))
    former = tasks.get(ident)
    if former is not None and call.label == "deleted":
        del tasks[ident]
    elif former is not None:
        tasks[ident] = replace(former, state=PLAN_STATES.get(call.label, former.state))
    return dict([*tasks.items()][-MOST_TODOS:])


def handle_shell(builder: ClaudeBuilder, text: str) -> None:
    """Handles the user's own `!command`. Command and output are two records, without an exit code (2.1.328)."""
    # What the command printed may hold the tag too.
    if command := (tagged(text, "bash-input") or "").strip() if text.startswith("<bash-input>") else "":
        call = OpenClaudeCall.of_command(builder.ident, "Bash", command, cwd=None).by_user()
        builder.add(call.as_event(), "shell", digest(call.subject))
        builder.change(shell=call)
    printed = [part for tag in ("bash-stdout", "bash-stderr") if (part := tagged(text, tag)) is not None]
    if printed and (shell := builder.context.shell) is not None:
        output = plain_output("\n".join(filter(None, printed)))
        builder.add(shell.ended(ToolOutcome("unknown", output)), "output", digest(output))
        builder.change(shell=None)
