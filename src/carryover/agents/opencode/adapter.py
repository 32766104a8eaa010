"""opencode: its database and its exports. Format facts: FACTS.md.

A part of a message holds a call with all that is known of it: what it is about, how it ended, and what it did.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Final

import msgspec
from msgspec.structs import replace

from carryover.adapter.contract import Agent, ToolOutcome
from carryover.agents.opencode import SPEC
from carryover.agents.opencode.database import PartEntry, SessionRecord, is_added, ms_of
from carryover.agents.opencode.sources import LAYOUTS, READERS, exported_source, source_kind
from carryover.model import Actor, Answer, FileEdit, Op, PlanProposal, PlanUpdate, TurnEnd, UserPrompt
from carryover.records import rawjson
from carryover.records.asked import Asked, asked_in, plan_items
from carryover.records.changes import as_shown
from carryover.records.fields import MAX_NAME_CHARS, SUBJECT_CHARS, bounded
from carryover.records.lenient import Fields, fields_of, first_text, is_true, items_of, number_of, text_of
from carryover.records.patches import by_arguments, patch_in, reported
from carryover.records.summary import kinds_of
from carryover.records.text import without_last_block
from carryover.text.pattern import later
from carryover.transcript.by_kind import ReaderByKind
from carryover.transcript.recorder import OpenCall, Tools, usable_name
from carryover.transcript.refusals import CLIENT_WORDED, refused
from carryover.transcript.stored import StoredBuilder, StoredContext, parse_stored
from carryover.transcript.turns import add_answer, add_failure, add_prompt, add_summary

_ABOUT: Final = ("filePath", "command", "pattern", "query", "url", "path", "description", "prompt", "name")
TOOLS: Final = Tools(
    {
        "shell": "bash",
        "read": "read list lsp",
        "edit": "edit apply_patch",
        "write": "write",
        "search": "glob grep",
        "web": "codesearch webfetch websearch",
        "plan": "todowrite todoread plan_exit",
        "ask": "question",
        "agent": "task",
    },
    about=_ABOUT,
    about_by_op={"agent": _ABOUT[-3:]},
    named=("patchText",),
    folder="workdir",
    changes=by_arguments,
)
"""The built-in tools."""
_MAX_CHANGES: Final = 20
_INVALID_TOOL: Final = "invalid"
"""The tool that replaces one that does not exist or was called with bad arguments."""
_DENIED: Final = later(
    r"(?:\w{0,40}Error: )?The user (?:rejected permission to use this specific tool call"
    r"(?:\.| with the following feedback: (?P<said>.+))"
    r"|dismissed this question\.?|has specified a rule which prevents .+)",
    re.DOTALL,
)
"""The whole text of a refusal (1.18.34; rules: public source). `said`: what the user typed. No field says so, and the
error of any tool but the built-in ones is that tool's own."""
_OF_SERVER: Final = "_"
"""Joins the names of an MCP server and its tool: a server `apply` can replace `apply_patch` (1.18.34; Kilo 7.7.9)."""
_ABORTED: Final = later(r"^(?:Error: )?(?:Tool execution aborted|Aborted|User aborted)", re.I)
_NEVER_RAN: Final = later(r"was called with invalid arguments|Model tried to call unavailable tool", re.I)
_SHELL_ABORTED: Final = "User aborted the command"
_TIMED_OUT: Final = later(r"\b\w+ tool terminated command after exceeding timeout \d+ ms")
_SHELL_METADATA: Final = ("metadata", "bash_metadata", "shell_metadata")
"""Tags of text that the client adds to a command's output (reported)."""

_HEADS: Final = {
    "read": later(r"<path>[^\n]*</path>\n<type>\w+</type>\n<(content|entries)>\n?"),
    "agent": later(
        r"(?:<task id=[^\n]*>\n(?:<summary>[^\n]*</summary>\n)?|task_id: [^\n]*\n\n)<(task_result|task_error)>\n"
    ),
}
"""What the client puts before a file or folder that was read (1.2.5), and before a sub-agent's report (1.2.27 and
1.18.34)."""
_READ_FOOT: Final = later(r"\n\n\((?:End of file|\d+ entries)[^\n]*\)\Z")
"""What it puts at the end of a file or folder that was read."""
_QUIET_PARTS: Final = frozenset(
    ("step-start", "step-finish", "reasoning", "snapshot", "patch", "retry", "agent", "subtask", "compaction", "file")
)
"""Parts without content for a handoff."""
_SHELL_PROMPT: Final = "The following tool was executed by the user"
"""The client's text in place of a prompt when a person ran a shell command."""
_RULINGS: Final = {"Implement the plan above.": True, "Continue refining the plan. Do not implement yet.": False}
"""What Kilo sends for its own answers to what shall become of a plan: others were typed (7.7.9)."""
_NEW_SESSION: Final = "Plan file: "
"""How Kilo's first message of a session that it starts with a plan begins; it has `synthetic: false` (7.7.9)."""
_ABORTED_ERROR: Final = "MessageAbortedError"
_UNTITLED: Final = ("New session - ", "Child session - ")
"""The beginning of a session's title until a model has chosen one."""
_SUMMARY_KINDS: Final = kinds_of(
    request="goal|objective",
    current="accomplished|progress|work state",
    next="next steps|next move",
    other="instructions|constraints & preferences|discoveries|key decisions|critical context|important details"
    "|relevant files / directories|relevant files",
)
"""The sections that a compaction asks for (1.2.5 and later, reported)."""
_QUOTED: Final = later(r'\A"(?=[^"\s]*\s)([^"]*)"\s*\Z')
"""How the client's command `run` records a prompt of several words (opencode 1.2.27 to 1.18.33, Kilo 7.7.9)."""
_INIT: Final = (
    "Create or update `AGENTS.md` for this repository.\n",
    "\nUser-provided focus or constraints (honor these):\n",
    "\n## How to investigate\n",
)
"""The template of the client's command `/init`, which stands in place of it: how it begins, and what is around the
words behind the command (1.14.46)."""
_SKILL: Final = later(
    r"^Base directory for this skill: (?:[^\n]*[/\\])?([^\s/\\]{1,100})[/\\]?\n"
    r"Relative paths in this skill [^\n]{1,300}",
    re.MULTILINE,
)
"""Behind a skill that the user calls as a command, which stands in place of it, and before the words behind the
command (1.18.21)."""
_REVIEWED: Final = ("\n\n---\n\nInput: ", "\n\n---\n\n## Determining What to Review\n")
"""What is around the words behind the command `/review` in its template, which a sub-agent gets (1.2.20, 1.18.34)."""
_GOAL: Final = "/goal "
_RESUMED: Final = "/goal resume"
"""The command as typed, in a part that the client ignores; the second form sets no new goal."""
_GOAL_SET: Final = "Goal active. The working model reports completion or blockers "
"""The beginning of the client's own answer to `/goal` (Kilo 7.7.9). It records nothing for `/goal pause` and
`/goal clear`."""
_RECORD: Final = msgspec.json.Decoder(SessionRecord)


def _piece(recorder: StoredBuilder, record: SessionRecord) -> None:
    if record.kind == "message":
        _message(recorder, record)
    else:
        recorder.at_ms = recorder.reported.last_ms
        _add_info(recorder)


parse_record: Final = partial(parse_stored, _RECORD, StoredBuilder, _piece)


def _add_info(recorder: StoredBuilder, model: str = "") -> None:
    """Adds the facts about the session that are new. `model` is the one of this message."""
    native, title = recorder.native, recorder.native.title or ""
    untitled = title.startswith(_UNTITLED)
    facts = {"title": "" if untitled else title, "agent_version": native.version, "model": model}
    recorder.add_facts({**facts, "parent": native.forked_from})


def _message(recorder: StoredBuilder, record: SessionRecord) -> None:
    message = fields_of(record.data)
    role = text_of(message.get("role"))
    if role not in ("user", "assistant"):
        recorder.skip(f"message/{role}" if role else "message", "unknown role" if role else "unexpected shape")
        return
    times = fields_of(message.get("time"))
    created_ms = recorder.at_ms = ms_of(times.get("created")) or recorder.reported.last_ms
    if not created_ms:
        recorder.skip("message", "no usable time")
        return
    recorder.report(last_ms=max(recorder.reported.last_ms, created_ms))
    _add_info(recorder, text_of(message.get("modelID")) or text_of(fields_of(message.get("model")).get("modelID")))
    if role == "user":
        _prompt(recorder, record)
        return
    _count_tokens(recorder, record.id, message)
    for entry in record.parts:
        recorder.at_ms = created_ms
        _part(recorder, record, message, entry)
    if record.ended:
        recorder.at_ms = ms_of(times.get("completed")) or max(created_ms, recorder.reported.last_ms)
        _end(recorder, record.id, fields_of(message.get("error")))


def _prompt(recorder: StoredBuilder, record: SessionRecord) -> None:
    """Adds a person's text, without the client's additions for the model, such as the content of a named file."""
    typed: list[str] = []
    files, ran, accepts_plan = 0, "", False
    is_to_planner = text_of(fields_of(record.data).get("agent")) == "plan"
    answers_plan = is_to_planner and recorder.reported.planned and len(record.parts) == 1
    for entry in record.parts:
        part = fields_of(entry.data)
        kind = text_of(part.get("type"))
        if kind == "text":
            text = text_of(part.get("text"))
            if is_true(part.get("synthetic")) and text.startswith(_SHELL_PROMPT):
                recorder.report(shell=record.id.encode("utf-8", "replace"))
            elif not is_added(part):
                accepts_plan |= text.startswith(_NEW_SESSION) and "synthetic" in part
                typed.append(text)
            elif is_true(part.get("ignored")) and text.startswith(_GOAL) and text != _RESUMED:
                ran = _GOAL.strip(" /")
                typed.append(text.removeprefix(_GOAL))
            elif note := fields_of(fields_of(part.get("metadata")).get("opencodeComment")):
                typed.append(f"{text_of(note.get('path'))}: {text_of(note.get('comment'))}")
            elif recorder.reported.planned and text in _RULINGS:
                ruling = PlanProposal(call_id="", text="", accepted=_RULINGS[text])
                recorder.add(ruling, f"{record.id}:ruling")
            elif answers_plan and "metadata" not in part:
                typed.append(text)
        elif kind == "file":
            files += 1
        else:
            ran = ran or text_of(part.get("command"))  # of a `subtask`
            above, below = _REVIEWED
            words, is_closed, _ = text_of(part.get("prompt")).partition(above)[2].partition(below)
            typed += [words] if is_closed and words.strip() else []
            _skip_part(recorder, kind)
    recorder.report(planned=False)
    command, text = _of_template(_QUOTED.sub(r"\1", "\n".join(typed)))
    command = f"/{ran}" if ran else command
    if text.strip() or command or (files and not typed):
        prompt = UserPrompt(
            text=text, actor=recorder.actor, command=command, attachments=files, accepts_plan=accepts_plan
        )
        recorder.add(prompt, f"{record.id}:prompt")


def _of_template(text: str) -> tuple[str | None, str]:
    """Returns the command with the words behind it if a prompt is a skill or the template of `/init`; else None with
    the prompt."""
    if (skill := _SKILL.search(text)) is not None:
        return f"/{skill[1]}", text[skill.end() :].strip()
    begins, above, below = _INIT
    _, _, given = text.partition(above) if text.startswith(begins) else ("", "", "")
    said, is_closed, _ = f"\n{given}".rpartition(below)
    return ("/init", said.strip()) if is_closed else (None, text)


def typed_of(messages: Sequence[Sequence[str]]) -> list[str]:
    """Returns what the user typed in each message, as the contract's `typed`."""
    found = [_of_template("\n".join(parts)) for parts in messages]
    return [" ".join(filter(None, both)) for both in found] if any(command for command, _ in found) else []


def _skip_part(recorder: StoredBuilder, kind: str) -> None:
    if kind not in _QUIET_PARTS:
        recorder.skip(f"part/{kind}" if kind else "part", "unknown part type" if kind else "unexpected shape")


def _part(recorder: StoredBuilder, record: SessionRecord, message: Fields, entry: PartEntry) -> None:
    part = fields_of(entry.data)
    kind = text_of(part.get("type"))
    if kind == "tool":
        _call(recorder, message, entry, part)
    elif kind == "text" and not is_added(part):
        _text(recorder, record, message, entry.id, part)
    elif kind != "text":
        _skip_part(recorder, kind)


def _text(recorder: StoredBuilder, record: SessionRecord, message: Fields, ident: str, part: Fields) -> None:
    text = text_of(part.get("text"))
    if not text.strip() or text.startswith(_GOAL_SET):
        return
    times = fields_of(part.get("time"))
    recorder.at_ms = ms_of(times.get("end")) or ms_of(times.get("start")) or recorder.at_ms
    if is_true(message.get("summary")):
        add_summary(recorder, f"{ident}:summary", text, _SUMMARY_KINDS)
        return
    aborted = text_of(fields_of(message.get("error")).get("name")) == _ABORTED_ERROR
    final = True if ident == record.last_text else None
    add_answer(recorder, f"{ident}:text", text, final=final, aborted=aborted)


def _call(recorder: StoredBuilder, message: Fields, entry: PartEntry, part: Fields) -> None:
    by_user = text_of(message.get("parentID")).encode("utf-8", "replace") == recorder.reported.shell != b""
    found = _called(entry.id, part, recorder.cwd, "human" if by_user else "model")
    if found is None:
        recorder.skip("part/tool", "no usable name")
        return
    times = fields_of(found.state.get("time"))
    recorder.at_ms = ms_of(times.get("start")) or recorder.at_ms
    if entry.begun:
        recorder.add_call(found.call, f"{entry.id}:call", found.questions, question=f"{entry.id}:question")
    outcome = _outcome(found) if entry.ended else None
    if outcome is None:
        if entry.ended and text_of(found.state.get("status")) not in ("pending", "running"):
            recorder.skip("part/tool", "unknown status")
        return
    recorder.at_ms = ms_of(times.get("end")) or recorder.at_ms
    is_ok = outcome.status == "ok"
    changes = _changes_of(found)[:_MAX_CHANGES] if is_ok else ()
    recorder.end_call(found.call, outcome, result=f"{entry.id}:result", edit=f"{entry.id}:edit", changes=changes)
    add_prompt(recorder, f"{entry.id}:feedback", outcome.user_words, actor=recorder.actor)
    plan = text_of(found.metadata.get("plan"))
    if is_ok and found.call.name == "plan_exit" and plan:  # of Kilo: opencode has asked by then
        recorder.report(planned=True)
        recorder.add(PlanProposal(call_id=found.call.id, text=plan), f"{entry.id}:plan")
    if is_ok and found.call.name == "todowrite":
        todos = found.metadata.get("todos") or found.given.get("todos")
        recorder.add(PlanUpdate(items=plan_items(todos, "content")), f"{entry.id}:todos")
    if is_ok:
        raws = items_of(found.metadata.get("answers"))
        given = (", ".join(filter(None, map(text_of, items_of(raw)))) for raw in raws)
        answered = [(one.question, text) for one, text in zip(found.questions, given, strict=False) if text]
        for number, (question, text) in enumerate(answered):
            answer = Answer(call_id=found.call.id, question=question, text=text)
            recorder.add(answer, f"{entry.id}:answer{number}")


class _Called(msgspec.Struct, frozen=True):
    """A tool call as its part describes it, ended or not."""

    call: OpenCall
    state: Fields
    given: Fields
    metadata: Fields
    cwd: str | None
    questions: Sequence[Asked]


def _called(part_id: str, part: Fields, cwd: str | None, actor: Actor) -> _Called | None:
    """Returns the call in a part; None if it has no usable name."""
    name = text_of(part.get("tool"))
    if not usable_name(name):
        return None
    state = fields_of(part.get("state"))
    given, metadata = fields_of(state.get("input")), fields_of(state.get("metadata"))
    call = TOOLS.call((text_of(part.get("callID")) or part_id)[:MAX_NAME_CHARS], name, given, cwd)
    if name == _INVALID_TOOL:
        call = replace(call, subject=bounded(text_of(given.get("tool")), SUBJECT_CHARS))
    elif patch_in(given) and call.changes:
        call = replace(call, subject=call.changes[0].path)
    questions = asked_in(given.get("questions")) if call.op == "ask" else []
    subject = call.subject if call.subject != name else ""  # its name says nothing of what it is about
    return _Called(replace(call, actor=actor, subject=subject), state, given, metadata, cwd, questions)


def _outcome(found: _Called) -> ToolOutcome | None:
    """Determines how a call ended; None if it has not."""
    match text_of(found.state.get("status")):
        case "error":
            error = text_of(found.state.get("error"))
            if denied := _DENIED.fullmatch(error):
                by_client = found.call.op in CLIENT_WORDED and _OF_SERVER not in found.call.name
                return refused(error, (denied["said"] or "").strip(), by_client=by_client, by_user=by_client)
            never_ran = _NEVER_RAN.search(error) is not None
            return ToolOutcome("interrupted" if _ABORTED.match(error) else "error", error, never_ran=never_ran)
        case "completed":
            output = text_of(found.state.get("output"))
        case _:
            return None
    if found.call.name == _INVALID_TOOL:
        return ToolOutcome("error", output, never_ran=True)
    if found.call.op != "shell":
        return ToolOutcome("ok", _unframed(found.call.op, output))
    exit_code = number_of(found.metadata.get("exit"))
    shown = without_last_block(output, *_SHELL_METADATA)
    if exit_code is None and (timed_out := _TIMED_OUT.search(output, len(shown))):
        return ToolOutcome("error", f"{shown}\n{timed_out[0]}")
    if exit_code is None:
        return ToolOutcome("interrupted" if _SHELL_ABORTED in output else "unknown", shown)
    return ToolOutcome("ok" if exit_code == 0 else "error", shown, exit_code=exit_code)


def _unframed(op: Op, output: str) -> str:
    """Returns what was read, or what a sub-agent reported, without the client's frame."""
    head = _HEADS[op].match(output) if op in _HEADS else None
    if head is None:
        return output
    content, end, _ = output[head.end() :].rpartition(f"\n</{head[1]}>")
    if not end:
        return output
    return _READ_FOOT.sub("", content) if op == "read" else content


def _changes_of(found: _Called) -> Sequence[FileEdit]:
    """Returns the changes that a call made, as the client reports them. An edit of no text creates a file."""
    call, metadata = found.call, found.metadata
    if call.name == "apply_patch":
        made = (_reported(fields_of(raw), found.cwd) for raw in items_of(metadata.get("files")))
        return [change for change in made if change is not None] or call.changes
    is_new = call.name == "edit" and not text_of(found.given.get("oldString"))
    is_new = is_new or (call.name == "write" and bytes(metadata.get("exists", rawjson.ABSENT)) == b"false")
    changes = as_shown(call.changes, text_of(metadata.get("diff"))) if call.name == "edit" else call.changes
    return [replace(change, change="add") for change in changes] if is_new else changes


def _reported(file: Fields, cwd: str | None) -> FileEdit | None:
    path, kind, moved = (text_of(file.get(name)) for name in ("filePath", "type", "movePath"))
    return reported(path, kind, first_text(file, "patch", "diff"), moved, cwd)


def _end(recorder: StoredBuilder, ident: str, error: Fields) -> None:
    """Adds the end of a message that ended neither in an answer nor in calls."""
    name, data = text_of(error.get("name")), fields_of(error.get("data"))
    if name == _ABORTED_ERROR:
        recorder.add(TurnEnd(reason="interrupted"), f"{ident}:end")
    elif name:
        said = text_of(data.get("message")) or text_of(error.get("message")) or name
        add_failure(recorder, f"{ident}:end", said, status=number_of(data.get("statusCode")))


def _count_tokens(recorder: StoredBuilder, ident: str, message: Fields) -> None:
    """Adds what the message took (opencode 1.2.27 to 1.18.33, Kilo 7.7.9).

    `input` is without the cache; whether `output` is without reasoning depends on the version, so it is what the sum
    leaves, or with the reasoning where there is no sum.
    """
    tokens = fields_of(message.get("tokens"))
    cache = fields_of(tokens.get("cache"))
    read = number_of(cache.get("read")) or 0
    written = number_of(cache.get("write")) or 0
    given = number_of(tokens.get("input")) or 0
    output = (number_of(tokens.get("output")) or 0) + (number_of(tokens.get("reasoning")) or 0)
    total = number_of(tokens.get("total"))
    recorder.count_tokens(
        ident,
        session=recorder.session,
        model=text_of(message.get("modelID")),
        input=given,
        output=output if total is None else total - given - read - written,
        cache_read=read,
        cache_write=written,
    )


AGENT: Final = Agent(
    spec=SPEC,
    reader=ReaderByKind(source_kind, READERS),
    context_type=StoredContext,
    layouts=LAYOUTS,
    parse=parse_record,
    exported=exported_source,
    typed=typed_of,
)
