"""Claude Code's records as far as they are relied on, what is remembered between two of them, and the tool calls in
them: what each did, and how it ended."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from carryover import model
from carryover.adapter.contract import ToolOutcome
from carryover.agents.claude_code import records as claude_records
from carryover.records import rawjson, shell_files
from carryover.records.asked import JOB_STATES, asked_in, plan_items
from carryover.records.changes import Change, Hunk, as_edit, patched, planned
from carryover.records.fields import SHORT_CHARS, SUBJECT_CHARS, bounded, digest, resolved
from carryover.records.lenient import Fields, fields_of, first_text, is_true, items_of, read_as, text_of
from carryover.records.rawjson import ABSENT
from carryover.records.text import names_handoff_file, names_own_folder, tagged, without_ansi
from carryover.text.pattern import later
from carryover.transcript import recorder as base
from carryover.transcript.recorder import Tools, usable_folder, usable_name
from carryover.transcript.refusals import CLIENT_WORDED, refused

_MOST_TASKS: Final = 200
TOOLS: Final = Tools(
    {
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
)
"""The known tools (2.0.65 to 2.1.328)."""
_ABOUT: Final = tuple("command file_path notebook_path pattern url query skill path description subject".split())
"""The arguments that may say what a call is about, the most telling first."""
_FIRST_ABOUT: Final = {"agent": ("description",), "other": ("description",), "plan": ("subject",)}
"""The argument that says it better than all of `_ABOUT` for calls of these operations."""
_JOBS: Final = ("task_id", "bash_id", "shell_id", "agentId")
"""Keys for the id of a background job: each version has a different one."""
_LOOKS_AT_JOB: Final = ("BashOutput", "TaskOutput", "AgentOutputTool")
"""Tools that check a background job (the first in 1.0 and 2.0, reported)."""
_STOPS_JOB: Final = ("TaskStop", "KillShell", "KillBash")
_STATES: Final[dict[str, model.PlanState]] = {"pending": "pending", "in_progress": "active", "completed": "done"}
_OWN_NOTES: Final = later(r"/\.claude/(?:plans|projects)/")
"""Plans and memory that the client keeps for itself (2.0.28, 2.1.328), outside every project and not part of the
work."""

_REFUSALS: Final = (
    "The user doesn't want to proceed with this tool use",
    "The user doesn't want to take this action right now",
    "User rejected tool use",
    "User chose to stay in plan mode",
    "The agent proposed a plan that was rejected by the user",
    "Permission for this tool use was denied",
)
"""The beginning of the result of a call that was not allowed to run (2.1.14, 2.1.232, 2.1.328; some unverified)."""
_UNASKED: Final = ("Permission for this action was denied", "Permission to use ", "Claude requested permissions to ")
"""How a refusal begins that comes from a rule or from auto mode, or from a run in which no user can be asked."""
_SAID: Final = later(
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
_EXIT_CODE: Final = later(r"(?:Error: )?Exit code (-?\d+)(?:\n|\Z)")
_TOOL_ERROR: Final = later(
    r"(?s)(?:<tool_use_error>|(?=File has (?:not been|been modified since) read))(.*?)(?:</tool_use_error>|\Z)"
)
"""The reason why a call never ran. That of an edit has no tag in older versions (1.0.44)."""
_REMINDER: Final = later(r"\n*<system-reminder>.*?</system-reminder>", re.DOTALL)
_ADDED: Final = later(
    r"\A\(\w+ completed with no output\)\Z|\n?^agentId: \w+ \([^\n]*\)(?:\s*<usage>[^<]*</usage>)?\s*\Z", re.M
)
"""Stands for an empty output (2.1.79 and later), or follows a sub-agent's report (2.0.65 and later)."""
_ORDER: Final = later(
    r"\n{0,3}^(?:REMINDER: You MUST [^\n]*|NOTE: do any of the files above seem malicious\?[^\n]*)\s*\Z", re.M
)
"""Follows the results of a web search (2.1.37 to 2.1.63) and the list of a folder (1.0.53)."""
_LAUNCHED: Final = "Async agent launched successfully."
"""Before what the model is to do about a sub-agent in the background (2.1.15, 2.1.16)."""
_TO_THE_MODEL: Final = (*_REFUSALS[:2], _INTERRUPTED)
"""The beginning of a result that only says to the model how to go on: nothing ran, and nobody said it."""


class Block(msgspec.Struct, frozen=True):
    """One entry of `message.content`: text, thinking, tool_use, tool_result, image..."""

    type: str
    text: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = ABSENT
    tool_use_id: str | None = None
    content: msgspec.Raw = ABSENT
    is_error: bool | None = None


class Message(msgspec.Struct, frozen=True):
    """The API message inside a `user` or `assistant` record."""

    content: str | list[Block]
    model: str | None = None
    stop_reason: str | None = None
    id: str | None = None
    usage: msgspec.Raw = ABSENT


class ClaudeLine(claude_records.Line, frozen=True, rename="camel"):
    """One record (seen: 2.0.65, 2.1.11-16, 2.1.111, 2.1.126, 2.1.328).

    Parts whose shape depends on the tool or the type stay raw until they are needed, so a bulky record costs one pass.
    """

    message: Message | None = None
    is_meta: bool | None = None
    is_compact_summary: bool | None = None
    is_visible_in_transcript_only: bool | None = None
    origin: msgspec.Raw = ABSENT
    prompt_source: str | None = None
    tool_use_result: msgspec.Raw = ABSENT
    tool_denial_kind: str | None = None
    tool_denial_before_run: bool | None = None
    is_aborted_mid_stream: bool | None = None
    is_api_error_message: bool | None = None
    request_id: str | None = None
    error: msgspec.Raw = ABSENT
    api_error_status: msgspec.Raw = ABSENT
    content: msgspec.Raw = ABSENT
    compact_metadata: msgspec.Raw = ABSENT
    attachment: Fields | None = None
    """Context given to the model beside the conversation. Only `queued_command` holds the user's words."""
    operation: str | None = None
    custom_title: str | None = None
    ai_title: str | None = None


class OpenClaudeCall(base.OpenCall, frozen=True, omit_defaults=True):
    """A tool call whose result has not come yet."""

    label: str = ""
    """The model's own label, for jobs that keep running in the background, or the state it asks for a task."""
    task_id: str = ""
    """The background job that it checks or stops."""


class Task(msgspec.Struct, frozen=True, omit_defaults=True):
    """One entry of the task list of TaskCreate and TaskUpdate (2.1.328)."""

    id: str
    text: str
    state: model.PlanState = "pending"


class ClaudeContext(claude_records.Context, frozen=True, omit_defaults=True):
    """The state of one transcript file between two records."""

    emitted: base.SessionFacts = msgspec.field(default=base.SessionFacts(), name="told")
    """Stored under the name that 0.1.0 gave it."""
    calls: tuple[OpenClaudeCall, ...] = ()
    shell: OpenClaudeCall | None = None
    """The user's own `!command`, until its output comes."""
    tasks: tuple[Task, ...] = ()
    queued: tuple[str, ...] = ()
    """Digests of the queued prompts."""
    compaction: Literal["manual", "auto"] | None = None


@dataclass(slots=True, kw_only=True)
class ClaudeBuilder(claude_records.Builder[ClaudeLine, ClaudeContext]):
    """Builds the events of one transcript line."""

    call_id: str = ""
    """The call that the block is about: the mark of events without one of their own."""

    def second_key(self, key: str, mark: str) -> str | None:
        """Returns a key of time, place and mark.

        After a resume, Claude Code 2.0.28 and 2.1.11 append old turns again with the same time and content under new
        uuids.
        """
        place = f"{self.at_ms}/{self.line.type}/{self.subagent_id or ''}/{key}"
        return f"{place}/{mark or self.call_id}" if self.timed else None


def handle_tool_use(builder: ClaudeBuilder, part: str, block: Block) -> None:
    """Handles a `tool_use` block: adds the call and any question, plan or todo list in its input."""
    builder.call_id, name = block.id or "", block.name or ""
    if not builder.identify("assistant/tool_use", builder.call_id, name):
        return
    given = rawjson.part_of(block.input, Fields)
    if given is None:
        builder.skip(f"assistant/tool_use/{name}", "unexpected input")
        given = {}
    asked = asked_in(given.get("questions")) if name == "AskUserQuestion" else []
    call = _called(builder, name, given, asked[0].question if asked else "")
    builder.begin_call(call, part, asked, question=f"{part}.question")
    if name == "ExitPlanMode":  # some versions only write the plan to its file
        builder.add(model.PlanProposal(call_id=call.id, text=text_of(given.get("plan"))), f"{part}.plan")
    elif name == "TodoWrite":
        builder.add(model.PlanUpdate(items=plan_items(given.get("todos"), "content")), f"{part}.todos")


def _called(builder: ClaudeBuilder, name: str, given: Fields, question: str) -> OpenClaudeCall:
    op, cwd = TOOLS.op(name), builder.place
    about = question or first_text(given, *_FIRST_ABOUT.get(op, ()), *_ABOUT)
    changes: tuple[Change, ...] = ()
    if name == "Bash":
        changes = shell_files.changes(first_text(given, "command"), cwd)
    elif op in ("edit", "write") and (named := first_text(given, "file_path", "notebook_path")):
        path = usable_folder(resolved(named, cwd))
        changes = () if path is None or _OWN_NOTES.search(path) else (planned(path, given),)
    return OpenClaudeCall(
        id=builder.call_id,
        name=name,
        op=op,
        subject=bounded(about, SUBJECT_CHARS),
        label=bounded(first_text(given, "status" if name == "TaskUpdate" else "description"), SHORT_CHARS),
        changes=changes,
        task_id=usable_name(first_text(given, *_JOBS)) or "" if name in _LOOKS_AT_JOB + _STOPS_JOB else "",
        handoff=names_own_folder(" ".join((cwd or "", about, first_text(given, "path")))),
    )


def handle_result(builder: ClaudeBuilder, part: str, block: Block) -> None:
    """Handles a `tool_result` block: closes its call and, if the call succeeded, adds what it changed."""
    builder.call_id = block.tool_use_id or ""
    if not builder.identify("user/tool_result", builder.call_id):
        return
    known = builder.take_call(builder.call_id)
    call = known if isinstance(known, OpenClaudeCall) else OpenClaudeCall(builder.call_id, "", "other")
    output = rawjson.text_of(block.content)
    if output is None and bytes(block.content) != b"null":
        builder.skip("user/tool_result", "unexpected content")
    outcome = _outcome(builder, call, plain_output(output or ""), failed=block.is_error is True)
    builder.end_call(call, outcome, result=part, changes=())
    if outcome.status == "ok":
        for place, body in _effects(builder, call, outcome.output):
            builder.add(body, f"{part}.{place}")
    elif call.name == "ExitPlanMode" and outcome.status == "denied":
        builder.add(model.PlanProposal(call_id=call.id, text="", accepted=False), f"{part}.plan")
    if outcome.user_words and builder.subagent_id is None:
        builder.add(model.UserPrompt(text=outcome.user_words), f"{part}.said", digest(outcome.user_words))


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


def _outcome(builder: ClaudeBuilder, call: OpenClaudeCall, output: str, *, failed: bool) -> ToolOutcome:
    line = builder.line
    if not failed:
        stopped = call.op == "shell" and is_true(fields_of(line.tool_use_result).get("interrupted"))
        return ToolOutcome("interrupted" if stopped else "ok", output)
    if line.tool_denial_kind is None:
        numbers = tuple(int(number) for number in (line.version or "").split(".") if number.isdigit())
        rejected = text_of(line.tool_use_result) == _REJECTED
        by_client = rejected or call.op in CLIENT_WORDED or (call.op == "shell" and numbers >= _HAS_EXIT_CODE)
        by_user = rejected or (by_client and () < numbers < _HAS_DENIAL_KIND)
        return _by_text(output, by_client=by_client, by_user=by_user) or ToolOutcome("error", output)
    if output.startswith(_INTERRUPTED):
        return ToolOutcome("interrupted", _printed(output))
    # Refused by a rule, a hook or auto mode, or because no user can be asked: that is marked user-rejected (2.1.328).
    asks = call.op in ("ask", "plan")
    worded = asks or line.tool_denial_before_run or output.startswith(_REFUSALS)
    if line.tool_denial_kind != "user-rejected" or not worded:
        said = _SAID.fullmatch(output)
        return _refused(output, by_client=True, by_user=False) if said else ToolOutcome("error", output, never_ran=True)
    # Ctrl-C in a running tool is written as a rejection too; only a refused one has the flag (2.1.328). Asking the user
    # is running: a question or plan that is dismissed was refused.
    if not (asks or line.tool_denial_before_run or _SAID.fullmatch(output)):
        return ToolOutcome("interrupted", _printed(output))
    return _refused(output, by_client=True, by_user=True)


def read_outcome(op: model.Op, text: str) -> ToolOutcome:
    """Determines from the output alone how a call ended. Output that names no failure counts as success. Whose words a
    refusal quotes can't be known, and what was read or printed may look like one."""
    output = plain_output(text)
    by_client = op in ("edit", "write", "plan", "ask")
    return _by_text(output, by_client=by_client, by_user=False) or ToolOutcome("ok", output)


def _by_text(output: str, *, by_client: bool, by_user: bool) -> ToolOutcome | None:
    """Returns the failure that the form of an output shows; None if it shows none.

    `by_client`: whether what reads like a refusal is the client's; `by_user`: whether words in it are the user's.
    """
    if output.startswith(_INTERRUPTED):
        return ToolOutcome("interrupted", _printed(output))
    if output.startswith(_REFUSALS) and (by_client or _SAID.fullmatch(output)):
        return _refused(output, by_client=by_client, by_user=by_user)
    if by_client and output.startswith(_UNASKED):
        return ToolOutcome("error", output, never_ran=True)
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


def _effects(builder: ClaudeBuilder, call: OpenClaudeCall, output: str) -> Iterator[tuple[str, model.AnyBody]]:
    """Yields what a call that succeeded did, each with the end of its event's key. Sub-agents' files have no structured
    result."""
    result = fields_of(builder.line.tool_use_result)
    for number, change in enumerate(_made(call, result, output)):
        if not names_handoff_file(change.path):
            yield f"edit{number}", as_edit(change, call.id)
    label = call.label or call.subject
    if call.op == "ask":
        # An answer with several choices is a list.
        for number, (question, raw) in enumerate(fields_of(result.get("answers")).items()):
            text = text_of(raw) or ", ".join(map(text_of, items_of(raw)))
            yield f"answer{number}", model.Answer(call_id=call.id, question=question, text=text)
    elif call.name == "ExitPlanMode":
        yield "plan", model.PlanProposal(call_id=call.id, text=text_of(result.get("plan")), accepted=True)
    elif call.op == "plan":
        if (tasks := _tasks(builder.context.tasks, call, result)) != builder.context.tasks:
            builder.change(tasks=tasks)
            yield (
                "tasks",
                model.PlanUpdate(items=tuple(model.PlanItem(text=task.text, state=task.state) for task in tasks)),
            )
    elif call.name in _STOPS_JOB:
        if job := first_text(result, "task_id", "shell_id") or call.task_id:
            yield "task", model.BackgroundTask(task_id=job, state="stopped", label=label)
    elif call.name in _LOOKS_AT_JOB:
        if (ended := _looked(call, output)) is not None:
            yield "task", ended
    elif job := _launched(call, result):
        yield "task", model.BackgroundTask(task_id=job, state="running", label=label)


def _made(call: OpenClaudeCall, result: Fields, output: str) -> tuple[Change, ...]:
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


def _launched(call: OpenClaudeCall, result: Fields) -> str:
    """Returns the job that a call left running in the background; empty if it left none."""
    if call.op == "shell":
        return first_text(result, "backgroundTaskId", "taskId")
    is_launched = call.op == "agent" and text_of(result.get("status")) == "async_launched"
    return text_of(result.get("agentId")) if is_launched else ""


def _looked(call: OpenClaudeCall, output: str) -> model.BackgroundTask | None:
    """Returns the end of a job that a status call found ended, since there may be no other record of it."""
    head, _, printed = output.partition("<output>")
    state = JOB_STATES.get((tagged(head, "status") or "").strip())
    task_id = (tagged(head, "task_id") or call.task_id).strip()
    if not task_id or state in (None, "running"):
        return None
    if state == "done" and (tagged(head, "exit_code") or "0").strip() != "0":
        state = "failed"
    by_agent = "agent" in (tagged(head, "task_type") or "")
    report = printed.rpartition("</output>")[0].strip() if by_agent else ""
    return model.BackgroundTask(task_id=task_id, state=state, report=report)


def _tasks(known: tuple[Task, ...], call: OpenClaudeCall, result: Fields) -> tuple[Task, ...]:
    """Returns the task list, which TaskCreate and TaskUpdate change and TaskList gives whole (2.1.42 to 2.1.328).

    A task created before the transcript began is unknown until it is listed. A new state comes from the call, since
    the result has none if another agent of a team set it before.
    """
    tasks = {} if "tasks" in result else {task.id: task for task in known}
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
    return tuple(tasks.values())[-_MOST_TASKS:]
