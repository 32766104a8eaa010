"""pi: a terminal agent whose sessions are trees of entries. FACTS.md has what they look like."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any, Final, Literal, Self

import msgspec

from carryover.adapter.contract import Agent, Parsed, Record, Source, ToolOutcome
from carryover.adapter.layouts import Layout, source_at
from carryover.agents.pi import SPEC, relayed
from carryover.model import Actor, Answer, BackgroundTask, Skipped, TurnEnd, UserPrompt
from carryover.records import rawjson
from carryover.records.asked import asked_in
from carryover.records.changes import as_shown
from carryover.records.fields import SHORT_CHARS, bounded, digest, utc_ms
from carryover.records.lenient import Fields, fields_of, is_true, items_of, number_of, text_of, token_counts
from carryover.records.patches import by_arguments
from carryover.records.rawjson import ABSENT, objects_in
from carryover.records.text import tagged, without_ansi
from carryover.text.pattern import later
from carryover.transcript.branches import Branches, FailedBranch, Tree
from carryover.transcript.hooks import common_hooks, plain_answer
from carryover.transcript.jsonl import JsonlReader
from carryover.transcript.recorder import OneSession, OpenCall, SessionContext, Tools, usable_folder, usable_name
from carryover.transcript.refusals import Endings
from carryover.transcript.turns import add_answer, add_prompt, add_summary, dispatch

_NAME: Final = r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z_(?P<session>[A-Za-z0-9][A-Za-z0-9._-]*)"
_FILE: Final = rf"{_NAME}\.jsonl"
_LAYOUTS: Final = (
    Layout(globs=("--*--/*.jsonl",), pattern=rf"(?P<group>--[^/]+--)/{_FILE}"),
    Layout(globs=("*.jsonl",), pattern=_FILE),
)
"""The group is the start folder with its separators replaced. Others may have the same, so it never names a project."""
_SUB_AGENTS: Final = (Layout(globs=(), pattern=rf"{_NAME}/(?P<subagent_id>[^/]{{1,100}})\.jsonl"),)
"""Where oh-my-pi has them, below the folder of the main session (18.2.3)."""


_SHELL: Final = "bash"


TOOLS: Final = Tools(
    {
        "shell": f"{_SHELL} exec",
        "read": "read",
        "edit": "edit apply_patch",
        "write": "write",
        "search": "grep find ls glob",
        "agent": "sessions_spawn",
    },
    about=("path", "file_path", "pattern", "query", "url", "prompt", "description", "name", "task"),
    changes=by_arguments,
)
"""The built-in tools (0.73 to 1.5), what OpenClaw calls its own, and how oh-my-pi finds files."""
_ENDINGS: Final = Endings(
    exited=later(r"(?<!\n)\n*\(?Command exited with code (\d{1,10})\)?\s*\Z"),
    interrupted=later(r"(?<!\s)\s*Command aborted\s*\Z"),
    never_ran=later(r"Validation failed for tool |Tool \S+ not found"),
)
_ASKS: Final = ("ask", "ask_user")
"""Tools of oh-my-pi and OpenClaw that ask the user, if they have questions: an extension's `ask` may look things up."""
_FAILED: Final = ("error", "forbidden")
_RUNNERS: Final = ("exec", "process")
_STOPPED: Final = "Operation aborted"
"""The whole output of a call that the user stopped, unless it is a command that was running."""
_NONE: Final = ("(no output)", "[Compacted history content evicted to durable cold storage]", relayed.NO_REPLY)
"""What stands for no text: the second for what oh-my-pi moved out of the file after a compaction (July 2026), the third
for an answer of OpenClaw without words for the user (March 2026)."""
_FILE_END: Final = "</file>\n"
_FILES: Final = later(rf'\A.*?<file name="/[^"\n]*">.*{_FILE_END}', re.DOTALL)
"""From what was piped in, up to the last closing tag, since a file may hold one. An image's stands on the same line."""
_ATTACHED: Final = later(r'<file name="[^"\n]*">$', re.MULTILINE)
_SKILL: Final = later(r'\A<skill name="([^"\n]*)" location="[^"\n]*">\n.*\n</skill>\n*', re.DOTALL)
_IMAGES: Final = later(r"\n\n(?:\[Image(?:: original| converted from| omitted:) [^\]\n]*\]\n?)+\Z")
"""What the client says below a prompt of the images in it: how it changed them (1.6.0)."""
_LIMITS: Final = ("402:", "429:")
_LEAF: Final = "leaf"
"""OpenClaw's entry that says on which branch the conversation goes on: the one that `targetId` ends."""
_REQUEST: Final = "prompt"
"""The tries of a request have no name of their own: all until an answer or another prompt are of one."""


class _Line(msgspec.Struct, frozen=True, rename="camel"):
    """The header of a session, or one of its entries (0.73 to 1.5)."""

    type: str
    id: str | None = None
    parent_id: str | None = ""  # what OpenClaw answers to a command has none, and goes on; a root's is null
    target_id: str | None = None
    timestamp: str | None = None
    cwd: str | None = None
    parent_session: str | None = None
    model_id: str | None = None
    name: str | None = None
    title: str | None = None
    summary: str | None = None
    message: msgspec.Raw = ABSENT


_LINE: Final = msgspec.json.Decoder(_Line)


class PiContext(SessionContext, frozen=True, omit_defaults=True):
    """The state of one session between two entries."""

    session: str | None = None
    forked_ms: int = 0
    """When the session was forked from another: entries from before are copies. 0 if it was not."""
    failed: FailedBranch | None = None
    tree: Tree = ()
    answered: bool = False
    """Whether the newest message is a final answer."""
    asking: tuple[bytes, ...] = ()
    """Fingerprints of the newest calls whose arguments hold a question."""


class _Recorder(Branches[PiContext], OneSession[PiContext], kw_only=True):
    """Records one entry. What a fork has copied is its parent's, and counts if that is gone."""

    line: _Line
    own: str
    """The session whose transcript it is in."""
    entry: str

    @classmethod
    def at(cls, source: Source, context: PiContext, line: _Line) -> Self:
        """Returns the recorder of one entry.

        A copy keeps time and message, but a file of the first format gets ids when a later client opens it, so events
        are known by time and message.
        """
        thread = source.subagent_id
        session = (source.session if thread else None) or context.session or source.own_session
        content = bytes(line.message) if line.message is not ABSENT else (line.summary or line.name or "").encode()
        entry = f"{line.timestamp}/{line.type}/{digest(content)}"
        at_ms = utc_ms(line.timestamp) or context.last_ms
        parent = context.facts.parent if at_ms < context.forked_ms else None
        return cls(
            context=msgspec.structs.replace(context, last_ms=at_ms),
            at_ms=at_ms,
            line=line,
            data=fields_of(line.message),
            session=parent or session,
            subagent_id=None if parent else thread,
            own=session,
            prefix=f"{entry}:",
            copied=parent is not None,
            kind=line.type,
            entry=entry,
        )


def _call(recorder: _Recorder, key: str, given: Fields) -> None:
    ident, (name, arguments) = text_of(given.get("id")), relayed.call_in(given)
    if recorder.identify("message/toolCall", ident, name):
        call = TOOLS.call(ident, name, arguments, recorder.cwd)
        asked = asked_in(arguments.get("questions")) if name in _ASKS else []
        recorder.begin_call(msgspec.structs.replace(call, op="ask") if asked else call, key, asked)
        if text_of(arguments.get("question")) or asked_in(arguments.get("questions")):
            recorder.remember("asking", digest(ident).encode())


def _result(recorder: _Recorder) -> None:
    """Handles the result of a call, whose patch (since 0.87) says where it changed its file."""
    ident, name = recorder.text("toolCallId"), recorder.text("toolName")
    if not recorder.identify("message/toolResult", ident):
        return
    call = recorder.take_call(ident, name, "ask" if name in _ASKS else TOOLS.op(name))
    output = relayed.without_notices(without_ansi(rawjson.content_text(recorder.data.get("content")) or ""))
    details = fields_of(recorder.data.get("details"))
    patch = text_of(details.get("patch"))
    failed = is_true(recorder.data.get("isError"))
    status, said = text_of(details.get("status")), text_of(details.get("error"))
    if said and status in _FAILED:  # OpenClaw's tools
        output = relayed.without_notices(without_ansi(said))
    failed = failed or bool(said and status in ("", *_FAILED))
    output = relayed.reason_of(output) if failed else output
    shown = output if failed or output.strip() not in _NONE else ""
    is_command = call.op == "shell"
    failed = failed or (is_command and bool(number_of(details.get("exitCode"))))  # OpenClaw's, since 2026.9
    outcome = _ENDINGS.outcome(call.op, shown, failed=failed, by_client=is_command)
    if failed and output == _STOPPED:
        outcome = ToolOutcome("interrupted", never_ran=is_command)
    outcome = ToolOutcome("unknown") if relayed.is_missing(output) else outcome
    question = call.subject if call.op == "ask" else None
    answers = relayed.answers_in(details, question, asked=digest(ident).encode() in recorder.context.asking)
    call = msgspec.structs.replace(call, op="ask") if answers else call
    changes = as_shown(call.changes, patch)
    if is_true(details.get("created")):
        changes = [msgspec.structs.replace(change, change="add") for change in changes]
    recorder.end_call(call, outcome, changes=changes)
    for number, (asked, text) in enumerate(answers):
        recorder.add(Answer(call_id=call.id, question=asked, text=text), f"answer{number}")
    _job(recorder, call, details)


def _job(recorder: _Recorder, call: OpenCall, details: Fields) -> None:
    """Adds that a command of OpenClaw goes on in the background, or that a look at it (`process`) found its end."""
    job, status = text_of(details.get("sessionId")), text_of(details.get("status"))
    if not job or recorder.text("toolName") not in _RUNNERS:
        return
    if status == "running" and call.op == "shell":
        label = bounded(call.subject, SHORT_CHARS)
        recorder.add(BackgroundTask(task_id=job, state="running", label=label, unreported=True), "job")
    elif call.op != "shell" and status in ("completed", "failed"):
        # One that was killed has no exit code.
        ended: Literal["done", "stopped"] = "done" if status == "completed" else "stopped"
        state: Literal["done", "failed", "stopped"] = "failed" if number_of(details.get("exitCode")) else ended
        report = text_of(details.get("aggregated")) if state == "failed" else ""
        recorder.add(BackgroundTask(task_id=job, state=state, report=report), "job")


def _typed(recorder: _Recorder) -> None:
    """Handles the user's own `!command`. One after `!!` is kept from the model, and from us."""
    if is_true(recorder.data.get("excludeFromContext")):
        return
    command, ident = recorder.text("command"), f"{recorder.entry}/typed"
    exit_code = number_of(recorder.data.get("exitCode"))
    outcome = ToolOutcome("error" if exit_code else "ok", without_ansi(recorder.text("output")), exit_code=exit_code)
    if is_true(recorder.data.get("cancelled")):
        outcome = ToolOutcome("interrupted", outcome.output)
    recorder.add_typed(OpenCall.of_command(ident, _SHELL, command, recorder.cwd), outcome)


def parse_line(source: Source, context: PiContext, record: Record) -> tuple[PiContext, Parsed]:
    """Parses one entry of a pi session. Never raises: what is not understood is counted in `skipped`."""
    line = rawjson.read_line(_LINE, record.data)
    if isinstance(line, Skipped):
        return context, Parsed(skipped=(line,))
    recorder = _Recorder.at(source, context, line)
    if line.type not in _HANDLERS:
        return context, Parsed(skipped=(rawjson.skipped(line.type, "unknown entry type", None),))
    if line.type != "session" and line.id is not None:
        recorder.take_place(line.id, line.target_id if line.type == _LEAF else line.parent_id)
    dispatch(recorder, _HANDLERS, line.type, what="entry type")
    is_copy = recorder.at_ms < context.forked_ms
    if line.type != "session" and line.id is not None and not is_copy:
        recorder.keep_place()
    if recorder.events and not is_copy:
        _put_news(recorder)
    return recorder.context, recorder.built()


def _header(recorder: _Recorder) -> None:
    """Takes the session's id, folder and parent from its header."""
    line = recorder.line
    recorder.change(
        session=recorder.context.session or usable_name(line.id) or recorder.own, cwd=usable_folder(line.cwd)
    )
    _title(recorder)
    if line.parent_session:
        recorder.change(forked_ms=recorder.at_ms)
        recorder.learn(parent=PurePosixPath(line.parent_session).stem.partition("_")[2])


def _message(recorder: _Recorder) -> None:
    dispatch(recorder, _ROLES, recorder.text("role"), what="role", within="message/")


def _system(recorder: _Recorder) -> None:
    """Takes from the client's system message the folder that it works in: it may differ from the header's."""
    sections = fields_of(recorder.data.get("sections"))
    folder = usable_folder((tagged(text_of(sections.get("cwd")), "cwd") or "").strip())
    if folder is not None:
        recorder.change(cwd=folder)


def _user(recorder: _Recorder) -> None:
    text = rawjson.content_text(recorder.data.get("content"))
    if text is None:
        recorder.skip("message/user", "unexpected content")
        return
    recorder.change(failed=None)
    images = sum(text_of(part.get("type")) == "image" for part in _parts(recorder))
    text = relayed.without_memory(text)
    said, sent, is_typed = relayed.relayed(text)
    is_order = relayed.is_order(said, recorder.context.facts.title)
    is_typed = is_typed and not is_order and relayed.by_person(recorder.data)
    scheduled = next(filter(relayed.is_scheduled, (text, said)), None)
    is_report = not is_typed and scheduled is None  # and begins no turn
    recorder.change(answered=recorder.context.answered and is_report)
    if scheduled is not None:
        recorder.add(UserPrompt(text=relayed.scheduled_words(scheduled), actor="model", scheduled=True), "prompt")
        return
    if is_order:
        recorder.add(UserPrompt(text=said, actor="model", sender=relayed.BEGUN_BY), "prompt")
        return
    text = said
    attached = _FILES.match(text, 0, text.rfind(_FILE_END) + len(_FILE_END))  # behind it, no file has an end
    files = len(_ATTACHED.findall(attached[0])) if attached is not None else 0
    text = text[attached.end() :] if attached is not None else text
    skill = _SKILL.match(text)
    command = f"/skill:{skill[1]}" if skill is not None else None
    text = _IMAGES.sub("", _SKILL.sub("", text)).strip()
    if text or command or images or sent:
        actor: Actor = recorder.actor if is_typed else "model"
        add_prompt(recorder, "prompt", text, actor=actor, command=command, attachments=(images or sent) + files)


def _assistant(recorder: _Recorder) -> None:
    """Handles an answer to one request: what the model said, its tool calls, or why the request failed."""
    reason = recorder.text("stopReason")
    parts = _parts(recorder)
    calls = [part for part in parts if text_of(part.get("type")) == "toolCall"]
    texts = (text_of(part.get("text")) for part in parts if text_of(part.get("type")) == "text")
    text = relayed.spoken("".join(text for text in texts if text.strip() not in _NONE))
    if recorder.text("model") == relayed.DELIVERED:
        return
    recorder.learn(model=recorder.text("model"))
    _count_tokens(recorder)
    if reason != "error":
        recorder.recover()
    is_final = reason in ("stop", "length") and not calls
    fails_report = reason == "error" and recorder.context.answered
    recorder.change(answered=is_final or fails_report)
    is_cut = reason in ("aborted", "error")
    add_answer(recorder, "text", text, final=is_final, aborted=is_cut)
    for number, call in enumerate(() if is_cut else calls):  # the client makes no call of an answer that was cut off
        _call(recorder, f"call{number}", call)
    if reason == "aborted":
        recorder.add(TurnEnd(reason="interrupted"), "end")
    elif reason == "error" and not fails_report:
        said = recorder.text("errorMessage")
        recorder.fail(_REQUEST, said, limited=said.startswith(_LIMITS))


def _count_tokens(recorder: _Recorder) -> None:
    """Notes what an answer took. A fork's copy of it has the same time and message."""
    usage = fields_of(recorder.data.get("usage"))
    numbers = token_counts(usage, input="input", output="output", cache_read="cacheRead", cache_write="cacheWrite")
    recorder.count_tokens(recorder.entry, session=recorder.own, model=recorder.text("model"), **numbers)


def _parts(recorder: _Recorder) -> list[Fields]:
    return [fields_of(part) for part in items_of(recorder.data.get("content"))]


def _compaction(recorder: _Recorder) -> None:
    without = relayed.UNTIL_KEPT if recorder.context.answered else ()
    add_summary(
        recorder, "summary", relayed.without_lists(recorder.line.summary or ""), relayed.HEADINGS, without=without
    )


def _branch_summary(recorder: _Recorder) -> None:
    add_summary(recorder, "summary", relayed.of_branch(recorder.line.summary or ""), relayed.HEADINGS)


def _name(recorder: _Recorder) -> None:
    recorder.learn(title=bounded(recorder.line.name or "", SHORT_CHARS))
    _put_news(recorder)


def _put_news(recorder: _Recorder) -> None:
    """Adds what is new about the session: nothing in a sub-agent, whose title and model are not the session's."""
    if recorder.subagent_id is None:
        recorder.put_news_first(recorder.own, recorder.cwd)


def _title(recorder: _Recorder) -> None:
    """Notes the title of oh-my-pi: it is in the header of older versions, and in 18 before it, as the file's first
    line."""
    if recorder.line.title:
        recorder.learn(title=bounded(recorder.line.title, SHORT_CHARS))


def _model(recorder: _Recorder) -> None:
    recorder.learn(model=recorder.line.model_id)


_HANDLERS: Final[dict[str, Callable[[_Recorder], None] | None]] = {
    **dict.fromkeys("context_edit custom custom_message label thinking_level_change usage".split()),
    **dict.fromkeys((_LEAF, "link", "reset")),  # OpenClaw's
    # oh-my-pi's; `session_init` is what a sub-agent was told.
    **dict.fromkeys("credential_pin mode_change model_usage reset_boundary service_tier_change".split()),
    **dict.fromkeys(("session_init", "ttsr_injection")),
    **dict.fromkeys(("title", "title_change"), _title),
    "session": _header,
    "message": _message,
    "compaction": _compaction,
    "branch_summary": _branch_summary,
    "session_info": _name,
    "model_change": _model,
}
_ROLES: Final[dict[str, Callable[[_Recorder], None] | None]] = {
    "system": _system,
    "user": _user,
    "assistant": _assistant,
    "toolResult": _result,
    "bashExecution": _typed,
    "custom": None,
    "developer": None,  # oh-my-pi's own words
    "hookMessage": None,
}


def _layout_root(transcript: Path) -> Path | None:
    """Returns the folder of all sessions: above the one named after the start folder, if there is one."""
    above = (transcript.parent.parent, transcript.parent) if transcript.is_absolute() else ()
    return next((root for root in above if source_at(SPEC.id, _LAYOUTS, transcript, root) is not None), None)


def _exported(path: Path, head: bytes) -> Source | None:
    """Returns the transcript in a file anywhere on disk, recognised by its header, above which oh-my-pi has a title."""
    has_title = any(record.get("type") == "title" for record in objects_in(head, most=1))
    if not any(map(_is_header, objects_in(head, most=2 if has_title else 1))):
        return None
    sub_agent = source_at(SPEC.id, _SUB_AGENTS, path, path.parent.parent)
    return sub_agent or source_at(SPEC.id, _LAYOUTS, path, path.parent) or Source(agent=SPEC.id, path=str(path))


def _is_header(record: dict[str, Any]) -> bool:
    named = isinstance(record.get("id"), str) and isinstance(record.get("cwd"), str)
    return record.get("type") == "session" and named and "timestamp" in record


AGENT: Final = Agent(
    spec=SPEC,
    reader=JsonlReader(),
    context_type=PiContext,
    layouts=_LAYOUTS,
    parse=parse_line,
    exported=_exported,
    hooks=common_hooks(
        _layout_root,
        answer=plain_answer,  # which the extension puts into the system message
        forgets="exit",  # that is of one process
    ),
)
