"""Qwen Code: a fork of Gemini CLI that writes its transcripts as Claude Code does. FACTS.md has what they look like.

Hooks seen in 0.24.4. Stop's text is not used: the transcript has it earlier.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PureWindowsPath
from typing import Any, Final, Self

import msgspec

from carryover.adapter.contract import Agent, Parsed, Record, Source, ToolOutcome
from carryover.adapter.layouts import Layout
from carryover.agents.claude_code import records as claude_records
from carryover.agents.claude_code.records import GROUP, REPORTS, SESSION, SUBAGENT, copied
from carryover.agents.gemini_cli import contents
from carryover.agents.gemini_cli.contents import NEVER_RAN, TOOLS, edit_changes, numbers_of, shell_outcome
from carryover.agents.qwen_code import SPEC
from carryover.model import Answer, AnyBody, FileEdit, PlanProposal, PlanUpdate, Skipped, TurnEnd, UserPrompt
from carryover.records import rawjson
from carryover.records.asked import asked_in, plan_items
from carryover.records.fields import digest
from carryover.records.lenient import Fields, fields_of, first_text, inside, is_true, items_of, number_of, text_of
from carryover.records.rawjson import ABSENT, objects_in
from carryover.records.text import tagged, without_reminders
from carryover.text.pattern import later
from carryover.transcript.branches import Branches, FailedBranch, Tree
from carryover.transcript.hooks import common_hooks, root_above, session_start_answer
from carryover.transcript.jsonl import JsonlReader
from carryover.transcript.recorder import OpenCall
from carryover.transcript.turns import LIMIT_STATUSES, add_answer, add_prompt, add_summary, dispatch

_LAYOUTS: Final = (
    Layout(globs=("*/chats/*.jsonl",), pattern=rf"{GROUP}/chats/{SESSION}\.jsonl"),
    Layout(globs=("*/chats/archive/*.jsonl",), pattern=rf"{GROUP}/chats/archive/{SESSION}\.jsonl"),
    Layout(
        globs=("*/subagents/*/agent-*.jsonl",),
        pattern=rf"{GROUP}/subagents/{SESSION}/{SUBAGENT}",
    ),
)
_LAYOUT_ROOT: Final = partial(root_above, layouts=_LAYOUTS, names=("projects",))
_HEAD_RECORDS: Final = 20
_DENIED: Final = later(r"(?:\[Operation Cancelled\] Reason: )?User did not allow tool call\.?")
_IN_TURN: Final = "mid_turn_user_message"
_PROMPTS: Final = (None, _IN_TURN, "realtime_message")
"""Subtypes of `user` records that a person typed, or said in a live conversation (code)."""
_NOT_TYPED: Final = frozenset(("cron", "goal_runtime"))
"""Subtypes of those that nobody typed (code)."""
_GOALS_SET: Final = ("create", "replace", "edit")
"""The causes of a goal's state that mean a new goal: one set with `/goal`, or an accepted proposal of the model."""
_PROPOSES: Final = {"propose_goal": "objective", "exit_plan_mode": "plan"}
"""The tools with which the model proposes a goal or a plan, each with the argument that holds the proposal."""
_APPROVED: Final = later(r'\{"approved":true,|(?:User|Gate|Leader) approved\.|User has approved your plan\.')
"""The beginning of the result of an approved proposal. A plan may also be approved by the client (in automatic modes)
or by the leader of a team."""
_AT_ONCE_MS: Final = 5_000
"""In this time after a command its text follows, unless a hook stopped it."""
_ASIDE: Final = later(r"prompt_suggestion\Z|[^#\n]{1,100}#[^#]")
"""The `prompt_id` of a request that is not the turn's own: for a suggestion of the next prompt, or of a sub-agent
(0.14). That of a turn is `<session>########<number>`, and has another form without a terminal."""
_HOOK: Final = "<qwen:user-prompt-submit-context>"
_FILES: Final = later(r"(?:(?:[A-Za-z]:\\[^\n:*?\"<>|]+|/(?:[^\s/]+/)+[^\s/]+|Untitled-\d+(?:#[\d-]+)?)\n)+\n")
"""What the extension for VS Code writes above a prompt: the open file, and those that the user added. Someone in a
terminal may type the same, so the names stay with the words."""
_PICTURES: Final = later(r"(?:@[^@\n]{1,400}clipboard-\d+-[0-9a-f-]{36}\.\w{1,8} ?)+")
"""What it writes below one: where it has stored the pasted pictures."""
_QUIET_SYSTEM: Final = frozenset(
    "at_command attribution_snapshot background_task_completed branch_checkpoint file_history_snapshot "
    "goal_turn_end omni_recall parent_session rewind session_artifact_event session_artifact_snapshot session_model "
    "session_source session_sources_snapshot turn_result user_text_elements".split()
)
"""What a rewind does follows from the parents of the records after it."""


class _Line(claude_records.Line, frozen=True, rename="camel"):
    """One record (seen: 0.15.10, 0.24.4)."""

    parent_uuid: str | None = None
    provenance: str | None = None
    model: str | None = None
    message: msgspec.Raw = ABSENT
    usage_metadata: msgspec.Raw = ABSENT
    tool_call_result: msgspec.Raw = ABSENT
    system_payload: msgspec.Raw = ABSENT


_LINE: Final = msgspec.json.Decoder(_Line)


class QwenContext(claude_records.Context, frozen=True, omit_defaults=True):
    """The state of one transcript between two records."""

    responded: bool = False
    """Whether the model's answer came in whole. Its record follows."""
    command: str = ""
    command_ms: int = 0
    """The command as typed whose text will follow as a prompt, and when."""
    proposed: str = ""
    """The digest of the model's newest proposal."""
    failed: FailedBranch | None = None
    tree: Tree = ()


class _Builder(claude_records.Builder[_Line, QwenContext], Branches[QwenContext]):
    @property
    def payload(self) -> Fields:
        """The fields of a record that the client writes for itself, such as a rewind."""
        return fields_of(self.line.system_payload)

    def handle(self, handle: Callable[[Self], None]) -> None:
        """Handles the record in its place. A fork repeats what its parent said, and does not take it back."""
        ident = self.line.uuid
        if ident is not None:
            self.take_place(ident, self.line.parent_uuid)
        handle(self)
        if ident is not None and not fields_of(self.line.forked_from):
            self.keep_place()


def _call(builder: _Builder, key: str, given: Fields) -> None:
    ident, name = text_of(given.get("id")), text_of(given.get("name"))
    if builder.identify("assistant/functionCall", ident, name):
        args = fields_of(given.get("args"))
        call = TOOLS.call(ident, name, args, builder.place)
        asked = asked_in(args.get("questions")) if call.op == "ask" else []
        builder.begin_call(call, key, asked, question=f"{key}.question")
        if name in _PROPOSES:
            words = text_of(args.get(_PROPOSES[name])).strip()
            builder.change(proposed=digest(words))
            builder.add(PlanProposal(call_id=ident, text=words), f"{key}.plan")


def _result(builder: _Builder) -> None:
    """Handles a record with a `functionResponse` among its parts, and beside it how the call ended for the client."""
    builder.change(responded=False)
    parts = contents.parts_of(inside(builder.line.message, "parts")) or []
    ended = fields_of(builder.line.tool_call_result)
    response = next((fields_of(part["functionResponse"]) for part in parts if "functionResponse" in part), {})
    ident = text_of(ended.get("callId")) or text_of(response.get("id"))
    if not builder.identify("tool_result", ident):
        return
    call = builder.take_call(ident, text_of(response.get("name")))
    shown = fields_of(ended.get("resultDisplay"))
    outcome = _outcome(call, fields_of(response.get("response")), ended)
    builder.end_call(call, outcome, changes=_made(call, shown))
    if call.name in _PROPOSES and (outcome.status == "denied" or _APPROVED.match(outcome.output)):
        builder.add(PlanProposal(call_id=call.id, text="", accepted=outcome.status == "ok"), "plan")
    for part, body in _effects(call, shown) if outcome.status == "ok" else ():
        builder.add(body, part)
    if outcome.status == "interrupted" and not (builder.open_calls or builder.subagent_id):
        builder.add(TurnEnd(reason="interrupted"), "end")


def _outcome(call: OpenCall, response: Fields, result: Fields) -> ToolOutcome:
    text = without_reminders(first_text(response, "error", "output"))
    never_ran = text_of(result.get("executionStatus")) == "not_started" or NEVER_RAN.match(text) is not None
    match text_of(result.get("status")):
        case "cancelled":
            return ToolOutcome("denied" if _DENIED.fullmatch(text) else "interrupted", text, never_ran=never_ran)
        case "error" if call.op != "shell" or never_ran:
            return ToolOutcome("error", text, never_ran=never_ran)
        case "error" | "success" if call.op == "shell":
            return _of_shell(text, fields_of(result.get("resultDisplay")))
        case "success":
            return ToolOutcome("ok", text)
    return ToolOutcome("unknown", text)


def _of_shell(text: str, shown: Fields) -> ToolOutcome:
    """Determines how a command ended, by its exit code as the user saw it (0.24) or else by the model's text."""
    outcome = shell_outcome(text)
    exit_code = number_of(shown.get("exitCode"))
    if exit_code is None:
        return outcome
    return ToolOutcome("error" if exit_code else "ok", outcome.output, exit_code=exit_code)


def _made(call: OpenCall, shown: Fields) -> tuple[FileEdit, ...]:
    before = shown.get("originalContent")
    return edit_changes(call, shown, is_new=before is not None and bytes(before) == b'""')


def _effects(call: OpenCall, shown: Fields) -> Iterator[tuple[str, AnyBody]]:
    """Yields what a call that succeeded did beside its edits, each with the end of its event's key."""
    if call.op == "plan" and "todos" in shown:
        yield "todos", PlanUpdate(items=plan_items(shown["todos"], "content"))
    for number, given in enumerate(map(fields_of, items_of(shown.get("answers")) if call.op == "ask" else [])):
        if text := text_of(given.get("answer")):
            yield f"answer{number}", Answer(call_id=call.id, question=text_of(given.get("question")), text=text)


def _parse(source: Source, context: QwenContext, record: Record) -> tuple[QwenContext, Parsed]:
    line = rawjson.read_line(_LINE, record.data)
    if isinstance(line, Skipped):
        return context, Parsed(skipped=(line,))
    return _Builder.parse(source, context, line, record, _HANDLERS)


def _user(builder: _Builder) -> None:
    """Handles a `user` record: a prompt, or a report of the client in that role."""
    line = builder.line
    parts = contents.parts_of(inside(line.message, "parts"))
    if not parts:
        builder.skip("user", "unexpected content")
        return
    text = contents.shown_text([part for part in parts if not text_of(part.get("text")).startswith(_HOOK)])
    if text.startswith(REPORTS):
        builder.add_jobs(text, "words")
    elif line.subtype in _PROMPTS and line.provenance in (None, "real_user"):
        _prompt(builder, text_of(builder.payload.get("displayText")) or text, parts)
    elif line.subtype not in (*_PROMPTS, *_NOT_TYPED, "notification"):
        builder.skip(f"user/{line.subtype}", "unknown subtype")


def _prompt(builder: _Builder, text: str, parts: list[Fields]) -> None:
    context, in_turn, command = builder.context, builder.line.subtype == _IN_TURN, None
    if context.command and not in_turn and builder.at_ms - context.command_ms < _AT_ONCE_MS:
        command, text = (*context.command.split(maxsplit=1), "")[:2]
    builder.change(failed=None, responded=False, command="")
    if ran := contents.typed_command(text, f"{builder.ident}/shell", builder.place):
        builder.add_typed(*ran)
        return
    text = contents.REFERENCED.split(text, maxsplit=1)[0].strip()
    attachments = sum("inlineData" in part for part in parts)
    if (files := _FILES.match(text)) is not None:
        named = [f"@{PureWindowsPath(path).name}" for path in files[0].split("\n") if path]
        attachments += len(named)
        text = f"{' '.join(named)} {text[files.end() :].strip()}"
    before, _, below = text.rpartition("\n\n")
    if _PICTURES.fullmatch(below) is not None:
        attachments += below.count("@")
        text = before.strip()
    add_prompt(builder, "prompt", text, actor=builder.actor, command=command, attachments=attachments, in_turn=in_turn)


def _assistant(builder: _Builder) -> None:
    """Handles a text of the model, its tool calls, or both.

    The answer to a request is written once it is complete. One that the user stopped has no token counts, and the
    client has not noted a response before it.
    """
    line = builder.line
    parts = contents.parts_of(inside(line.message, "parts"))
    if not parts:
        builder.skip("assistant", "unexpected content")
        return
    builder.learn_news(model=line.model)
    if line.uuid is not None:
        numbers = numbers_of(fields_of(line.usage_metadata))
        builder.count_tokens(line.uuid, session=builder.session, model=line.model, **numbers)
    builder.recover()
    is_whole = line.usage_metadata is not rawjson.ABSENT or builder.context.responded
    builder.change(responded=False)
    called = [fields_of(part["functionCall"]) for part in parts if "functionCall" in part]
    is_stopped = not (is_whole or called or builder.subagent_id)
    is_final = not (called or is_stopped)
    add_answer(builder, "text", contents.shown_text(parts), final=is_final, aborted=is_stopped)
    for number, call in enumerate(called):
        _call(builder, f"call{number}", call)
    if is_stopped:
        builder.add(TurnEnd(reason="interrupted"), "end")


def _system(builder: _Builder) -> None:
    dispatch(builder, _SYSTEM, str(builder.line.subtype), what="subtype", within="system/")


def _telemetry(builder: _Builder) -> None:
    """Handles a note about a request: that its answer came in, or that it failed."""
    event = fields_of(builder.payload.get("uiEvent"))
    prompt = text_of(event.get("prompt_id"))
    if text_of(event.get("subagent_name")):  # of the client's own requests, for its memory
        return
    if not builder.subagent_id and _ASIDE.match(prompt):
        return
    name = text_of(event.get("event.name")).rpartition(".")[2]
    if name == "api_response":
        builder.change(responded=True)
    elif name == "api_error":
        said = first_text(event, "error_message", "error")
        builder.fail(prompt, said, limited=number_of(event.get("status_code")) in LIMIT_STATUSES)


def _summary(builder: _Builder) -> None:
    history = items_of(builder.payload.get("compressedHistory"))
    text = contents.shown_text(contents.parts_of(inside(history[0], "parts")) or []) if history else ""
    add_summary(builder, "summary", tagged(text, "state_snapshot") or text, contents.SUMMARY_KINDS)


def _command(builder: _Builder) -> None:
    """Notes a command whose text is sent to the model: what it stands for follows as a prompt (0.24.4)."""
    if is_true(builder.payload.get("sentToModel")):
        builder.change(command=text_of(builder.payload.get("rawCommand")).strip(), command_ms=builder.at_ms)


def _goal(builder: _Builder) -> None:
    """Handles the state of the goal. No prompt holds what was typed after `/goal` (0.24.4)."""
    goal = fields_of(fields_of(builder.payload.get("snapshot")).get("goal"))
    words = text_of(goal.get("objective")).strip()
    if text_of(builder.payload.get("cause")) in _GOALS_SET and words and digest(words) != builder.context.proposed:
        builder.add(UserPrompt(text=words, command="/goal"), "goal", digest(words))


def _title(builder: _Builder) -> None:
    given = builder.payload
    builder.learn_title(text_of(given.get("customTitle")), by_user=text_of(given.get("titleSource")) == "manual")


_HANDLERS: Final[dict[str, Callable[[_Builder], None]]] = {
    "user": _user,
    "assistant": _assistant,
    "tool_result": _result,
    "system": _system,
}
_SYSTEM: Final[dict[str, Callable[[_Builder], None] | None]] = {
    **dict.fromkeys(_QUIET_SYSTEM),
    "ui_telemetry": _telemetry,
    "chat_compression": _summary,
    "custom_title": _title,
    "goal_state": _goal,
    "slash_command": _command,
}


def _exported(path: Path, head: bytes) -> Source | None:
    if not any(_is_own(record) for record in objects_in(head, most=_HEAD_RECORDS)):
        return None
    return copied(SPEC.id, _LAYOUTS, path, reversed(path.parents[2:4]))


def _is_own(record: dict[str, Any]) -> bool:
    """Whether a record is a message of Qwen Code's, with session and id: its text is in parts."""
    message = record.get("message")
    named = isinstance(record.get("sessionId"), str) and isinstance(record.get("uuid"), str)
    return named and isinstance(message, dict) and isinstance(message.get("parts"), list)


AGENT: Final = Agent(
    spec=SPEC,
    reader=JsonlReader(),
    context_type=QwenContext,
    layouts=_LAYOUTS,
    parse=_parse,
    hooks=common_hooks(
        _LAYOUT_ROOT,
        answer=session_start_answer,
        forgets="exit",  # it is part of the system message, which no transcript holds
        reads_page="read `{page}` in parts of 60 lines",  # it cuts off after 25,000 characters (0.24.4)
    ),
    exported=_exported,
)
