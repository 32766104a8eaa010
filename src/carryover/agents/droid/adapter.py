"""Droid: Factory's agent, whose sessions are JSON lines. FACTS.md has what they look like."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Agent, Parsed, Record, Source, ToolOutcome
from carryover.adapter.layouts import Layout
from carryover.agents.droid import SPEC
from carryover.model import Answer, Op, PlanProposal, TurnEnd, UserPrompt, session_in_other_cwd
from carryover.records import rawjson
from carryover.records.fields import SHORT_CHARS, bounded, digest
from carryover.records.lenient import Fields, fields_of, is_true, items_of, number_of, text_of, time_of
from carryover.records.patches import by_arguments
from carryover.records.rawjson import objects_in
from carryover.records.text import without_ansi, without_reminders
from carryover.text.pattern import later
from carryover.transcript.hooks import common_hooks, root_above, session_start_answer
from carryover.transcript.jsonl import JsonlReader
from carryover.transcript.recorder import OneSession, OpenCall, SessionContext, Tools, usable_folder, usable_name
from carryover.transcript.refusals import CLIENT_WORDED, Endings
from carryover.transcript.turns import add_answer, add_failure, add_prompt, add_summary, dispatch

_LAYOUTS: Final = (Layout(globs=("*/*.jsonl",), pattern=r"(?P<group>[^/]+)/(?P<session>[0-9a-f-]{36})\.jsonl"),)
"""The group is the start folder with its separators replaced."""
TOOLS: Final = Tools(
    {
        "shell": "Execute",
        "read": "Read",
        "edit": "Edit MultiEdit ApplyPatch",
        "write": "Create",
        "search": "Grep Glob LS",
        "web": "FetchUrl WebSearch",
        "plan": "TodoWrite ExitSpecMode",
        "ask": "AskUser",
        "agent": "Task",
    },
    about=("file_path", "pattern", "directory_path", "url", "query", "description", "skill"),
    changes=by_arguments,
)
"""The built-in tools (0.225)."""
_CANCELLED: Final = "Tool execution cancelled by user"
"""The whole output of a call that the user refused; after `Error: `, of one that ran."""
_WRAPPING: Final = later(r"\A(?:Error: ){1,2}(?:Command failed \(exit code: -?\d{1,10}\)\n)?")
_ENDINGS: Final = Endings(
    exited=later(r"(?<!\n)\n*\[Process exited with code (-?\d{1,10})\]\s*\Z"),
    never_ran=later(r"Not found: |Tool \S+ is registered but is not available"),
)
_NO_OUTPUT: Final = "Command completed successfully"
_TASK: Final = ("# Task Tool Invocation\n", "\n---BEGIN TASK FROM PARENT AGENT---\n", "\n---END TASK")
"""The beginning of a sub-agent's first message, and what stands around its task there."""
_STORED: Final = ("<system-notification>\n", "</system-notification>")
"""Around the text of a command or a skill that the user called, which may be the project's."""
_CALLED: Final = later(
    r"Command file: (?:[^\n]*/)?([\w.-]{1,100}?)(?:\.\w{1,10})?\n"
    r'|[^\n]*\n<skill filePath="[^"\n]*">\n<name>([\w.:-]{1,100})</name>'
)
"""How this text begins for a program and for a skill. Of a command that is a plain text, no name is recorded."""
_REVIEWS: Final = (
    "You are a senior staff software engineer and expert code reviewer.\n",
    "\n## Language\n",
    "\n\n---\n\n",
)
"""The beginning of the text of `/review`, the heading of its last part, and what separates that part from what the
user typed or chose (0.225.2)."""
_RUNS: Final = " is running"
"""The end of the message that the client shows before the text of a command from a file."""
_OFFERS_PLAN: Final = "ExitSpecMode"
_PLAN_REFUSED: Final = "Plan not approved - "
"""How the result of that call begins if the user went back, or took the plan into a new session (0.225.2)."""
_PLAN: Final = later(
    r"(Implement the following plan:\n\n)(?:User note: ((?:(?!\n\n).)*)\n\n)?(.*)"
    r"\n\nIf you need specific details from the planning session",
    re.DOTALL,
)
"""A plan that was accepted with a new session, below what the user typed (0.225.2)."""
_QUESTION: Final = later(r"^\d{1,3}\. \[question\] ", re.MULTILINE)
_ANSWER: Final = "\n[answer]"
_FEEDBACK: Final = "\n\nUser feedback:\n"
_NO_REASON: Final = "Stop hook requested continuation"
_ENDED_WELL: Final = ("completed", "spec_handoff")
_BY_USER: Final = ("cancelled", "permission_rejected")
_LIMITS: Final = ("model_usage_exhausted", "model_rate_limited")
_RECORD: Final = msgspec.json.Decoder(Fields)


class _Context(SessionContext, frozen=True, omit_defaults=True):
    session: str | None = None
    """The session that started this one, if this is a sub-agent's."""
    parent: str = ""
    """The last message that a fork copied from the session before it, until that message was read."""
    moved: str = ""
    """Digest of the folder to which the user has moved the session, at a time that no record tells; empty for none."""
    said: str = ""
    """What the client showed to the user alone since the last prompt, such as why a request failed."""
    pushed: tuple[bytes, ...] = ()
    """Digests of the reasons that hooks gave for going on at the end of a turn: each comes as a prompt, too."""


_Recorder = OneSession[_Context]


def _parse(source: Source, context: _Context, record: Record) -> tuple[_Context, Parsed]:
    line = rawjson.read(_RECORD, record.data)
    if isinstance(line, str):
        return context, Parsed(skipped=(rawjson.skipped(None, line, None),))
    kind, own = text_of(line.get("type")), source.own_session
    copied = bool(context.parent)
    recorder = _Recorder(
        context=msgspec.structs.replace(context, last_ms=time_of(line.get("timestamp")) or context.last_ms),
        session=_session(context, own, copied=copied),
        subagent_id=own if context.session else None,
        prefix=f"{text_of(line.get('id') or line.get('turnId'))}/",
        kind=kind,
        copied=copied,
        data=line,
    )
    recorder.at_ms = recorder.context.last_ms
    dispatch(recorder, _HANDLERS, kind, what="record type")
    if copied and text_of(line.get("id")) == context.parent:
        recorder.change(parent="")
    if not copied and recorder.subagent_id is None:
        recorder.put_news_first(own, recorder.cwd)
    return recorder.context, recorder.built()


def _session(context: _Context, own: str, *, copied: bool) -> str:
    session = (context.facts.parent if copied else context.session) or own
    return session_in_other_cwd(session, context.moved) if context.moved and not copied else session


def _header(recorder: _Recorder) -> None:
    """Takes the folder, the title and the session that it continues, was forked from or works for."""
    first, last = recorder.text("cwd"), recorder.text("lastCwd")
    moved = last not in ("", first)
    recorder.change(
        cwd=usable_folder(last if moved else first),
        moved=digest(last)[:8] if moved else "",
        session=usable_name(recorder.text("callingSessionId")),
    )
    if recorder.text("parent") and not recorder.context.last_ms:  # a new title writes it again
        recorder.change(parent=usable_name(recorder.text("forkedAtMessageId")) or "")
    title = bounded(recorder.text("title"), SHORT_CHARS)
    recorder.learn(parent=usable_name(recorder.text("parent")), title=title)


def _message(recorder: _Recorder) -> None:
    message = fields_of(recorder.data.get("message"))
    role, seen = text_of(message.get("role")), text_of(message.get("visibility"))
    if seen == "user_only":
        # A hook's run has no text, and may come after the reason why a request failed.
        recorder.change(said=rawjson.content_text(message.get("content")) or recorder.context.said)
        _hook(recorder, message)
    elif seen != "llm_only":
        dispatch(recorder, _ROLES, role, message, what="role", within="message/")


def _hook(recorder: _Recorder, message: Fields) -> None:
    """Notes why a hook, which may be the repository's, did not let a turn end: the client sends that as a prompt."""
    results = map(fields_of, items_of(message.get("hookResults")))
    if text_of(message.get("hookEventName")) == "Stop":
        reasons = (text_of(fields_of(text_of(one.get("stdout"))).get("reason") or one.get("stderr")) for one in results)
        pushed = (digest(reason.strip() or _NO_REASON).encode() for reason in reasons)
        recorder.remember("pushed", *pushed)


def _user(recorder: _Recorder, message: Fields) -> None:
    content = message.get("content")
    parts = [fields_of(part) for part in items_of(content)]
    results = [part for part in parts if text_of(part.get("type")) == "tool_result"]
    for number, part in enumerate(results):
        _result(recorder, part, number)
    given = (rawjson.content_text(content) or "").strip()
    text = without_reminders(given).strip()
    if results or _typed(recorder, fields_of(text)):
        return
    pushed, is_file = recorder.context.pushed, recorder.context.said.endswith(_RUNS)
    recorder.change(said="", pushed=())
    if digest(given).encode() in pushed:
        return
    if not recorder.subagent_id and (plan := _PLAN.match(text)):
        recorder.add(UserPrompt(text=plan[1] + plan[3], accepts_plan=True), "prompt")
        add_prompt(recorder, "said", plan[2] or "")
        return
    task = _task_in(text) if recorder.subagent_id else ""
    images = sum(text_of(part.get("type")) == "image" for part in parts)
    text, stored, command = (task, "", None) if task else _typed_and_stored(text, is_file=is_file)
    if stored:
        recorder.add(UserPrompt(text=stored, actor=recorder.actor, attachments=images, stored=True), "prompt")
    else:
        add_prompt(recorder, "prompt", text, actor=recorder.actor, command=command, attachments=images)


def _task_in(text: str) -> str:
    """Returns the task that a sub-agent was given; empty if the text is another one."""
    first, begin, end = _TASK
    return text.partition(begin)[2].rpartition(end)[0] if text.startswith(first) else ""


def _typed_and_stored(text: str, *, is_file: bool) -> tuple[str, str, str | None]:
    """Returns what the user typed, the stored text of a command if nothing else shows what was asked, and the command's
    name if it is recorded. `is_file`: the text is that of a file, perhaps of the project, which may begin as the
    client's own does."""
    before, _, rest = text.partition(_STORED[0])
    inside, closed, after = rest.rpartition(_STORED[1])  # a file may hold the same end
    if not closed:
        return text, "", None
    begins, last_part, rule = _REVIEWS
    asked = inside.partition(last_part)[2].partition(rule)[2].strip() if inside.startswith(begins) else ""
    if asked and not is_file:
        return asked, "", "/review"
    called, words = _CALLED.match(inside), f"{before.strip()} {after.strip()}".strip()
    return words, "" if called or words else inside.strip(), f"/{called[called.lastindex or 0]}" if called else None


def _typed(recorder: _Recorder, given: Fields) -> bool:
    """Handles the user's own `!command`; returns whether it is one."""
    if text_of(given.get("type")) != "bash_result":
        return False
    call = OpenCall.of_command(f"{recorder.prefix}typed", "Execute", text_of(given.get("command")), recorder.cwd)
    code = number_of(given.get("exitCode"))
    output = without_ansi(text_of(given.get("stdout")) + text_of(given.get("stderr")))
    recorder.add_typed(call, ToolOutcome("error" if code else "ok", output, exit_code=code))
    return True


def _assistant(recorder: _Recorder, message: Fields) -> None:
    parts = [fields_of(part) for part in items_of(message.get("content"))]
    calls = [part for part in parts if text_of(part.get("type")) == "tool_use"]
    recorder.learn(model=text_of(message.get("modelId")))
    add_answer(recorder, "text", rawjson.content_text(message.get("content")) or "", final=not calls)
    for number, part in enumerate(calls):
        ident, name = text_of(part.get("id")), text_of(part.get("name"))
        if recorder.identify("message/tool_use", ident, name):
            given = fields_of(part.get("input"))
            recorder.begin_call(TOOLS.call(ident, name, given, recorder.cwd), f"call{number}")
            if name == _OFFERS_PLAN:
                recorder.add(PlanProposal(call_id=ident, text=text_of(given.get("plan"))), f"plan{number}")


def _result(recorder: _Recorder, part: Fields, number: int) -> None:
    ident = text_of(part.get("tool_use_id"))
    if recorder.identify("message/tool_result", ident):
        call = recorder.take_call(ident)
        output = without_ansi(rawjson.content_text(part.get("content")) or "")
        is_refused = call.name == _OFFERS_PLAN and output.startswith(_PLAN_REFUSED)
        by_user = ToolOutcome("denied", output, never_ran=True) if is_refused else None
        outcome = by_user or _outcome(call.op, output, failed=is_true(part.get("is_error")))
        recorder.end_call(call, outcome, result=f"result{number}", edit=f"edit{number}.")
        _said(recorder, call, output, f"said{number}")


def _said(recorder: _Recorder, call: OpenCall, output: str, key: str) -> None:
    """Adds what the user answered, decided about a plan or typed about one (0.225.2)."""
    if call.op == "ask":
        for number, each in enumerate(_QUESTION.split(output)[1:]):
            question, _, answer = each.rpartition(_ANSWER)  # the agent may write the same mark into its question
            if question and answer.strip():
                recorder.add(Answer(call_id=call.id, question=question, text=answer.strip()), f"{key}.{number}")
    elif call.name in (_OFFERS_PLAN, "ExitMissionPlanning"):
        ruling = fields_of(output)
        words = text_of(ruling.get("userComment")) or output.partition(_FEEDBACK)[2]
        add_prompt(recorder, key, words.strip())
        if is_true(ruling.get("approved")) or output.startswith(_PLAN_REFUSED):
            accepted = is_true(ruling.get("approved"))
            recorder.add(PlanProposal(call_id=call.id, text="", accepted=accepted), f"{key}.plan")


def _outcome(op: Op, output: str, *, failed: bool) -> ToolOutcome:
    """Determines how a call ended. Only the client words what is not an MCP server's or another tool's."""
    by_client = op in CLIENT_WORDED
    text = _WRAPPING.sub("", output) if failed else _ENDINGS.exited.sub("", output)
    if failed and text == _CANCELLED and by_client:
        return ToolOutcome("interrupted" if text != output else "denied", output, never_ran=text == output)
    if (op == "shell" and text == _NO_OUTPUT) or (op in ("edit", "write") and not failed):
        text = ""  # what an edit returns is JSON with the change
    return _ENDINGS.outcome(op, text, failed=failed, by_client=by_client)


def _outcome_of_turn(recorder: _Recorder) -> None:
    reason = recorder.text("reason")
    if reason in _BY_USER:
        recorder.add(TurnEnd(reason="interrupted"), "end")
    elif reason not in _ENDED_WELL:
        add_failure(recorder, "end", recorder.context.said or reason, limited=reason in _LIMITS)


def _compaction(recorder: _Recorder) -> None:
    add_summary(recorder, "summary", recorder.text("summaryText"))


_HANDLERS: Final[dict[str, Callable[[_Recorder], None] | None]] = {
    "session_start": _header,
    "message": _message,
    "agent_turn_outcome": _outcome_of_turn,
    "compaction_state": _compaction,
    "todo_state": None,
}
_ROLES: Final[dict[str, Callable[[_Recorder, Fields], None] | None]] = {
    "user": _user,
    "assistant": _assistant,
    "system": None,
}


def _exported(path: Path, head: bytes) -> Source | None:
    header = next(objects_in(head, most=1), {})
    session, has_folder = header.get("id"), isinstance(header.get("cwd"), str)
    if header.get("type") != "session_start" or not isinstance(session, str) or not has_folder:
        return None
    return Source(agent=SPEC.id, path=str(path), session=usable_name(session))


AGENT: Final = Agent(
    spec=SPEC,
    reader=JsonlReader(),
    context_type=_Context,
    layouts=_LAYOUTS,
    parse=_parse,
    exported=_exported,
    hooks=common_hooks(
        partial(root_above, layouts=_LAYOUTS, names=("sessions",)),
        answer=session_start_answer,
        forgets="exit",  # no transcript holds the text
    ),
)
