"""Tool calls: what each was asked to do, how it ended, and what it changed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from carryover.adapter.contract import ToolOutcome
from carryover.adapter.event_builder import OpenCall
from carryover.agents.gemini_cli.builder import Builder, Call, Message, usable_id
from carryover.families.gemini_like.tools import FILES, FOLDERS, NEVER_RAN, made, opened, shell_outcome
from carryover.model import Answer, AssistantMessage, PlanProposal, PlanUpdate, UserPrompt
from carryover.records import rawjson
from carryover.records.asked import Asked, plan_items
from carryover.records.changes import as_edit
from carryover.records.lenient import Fields, fields_of, first_text, inside, is_true, text_of

MAX_CALLS: Final = 200
"""Most calls kept of the messages that may still grow, together."""

_DENIED: Final = re.compile(r"(?:\[Operation Cancelled\] Reason: )?User denied execution\.?")
_REJECTED: Final = ("Plan rejected.", "User cancelled")
_FEEDBACK: Final = re.compile(
    r"Plan rejected\. User feedback: (.*)\n\nThe plan is stored at: [^\n]*\n+Revise the plan[^\n]*", re.DOTALL
)
_DISMISSED: Final = "User dismissed"


def parse_calls(builder: Builder, message: Message, raws: list[msgspec.Raw]) -> Message:
    """Handles the calls of a `gemini` message: adds new calls, and results that were missing so far."""
    asked_ms = builder.at_ms
    known = {call.id: call for call in message.calls}
    for given in map(fields_of, raws):
        call_id = usable_id(given.get("id"))
        name = usable_id(given.get("name"))
        if call_id is None or name is None:
            builder.skip("gemini/toolCalls", "no usable id or name")
        elif call_id not in known or not known[call_id].ended:
            builder.at_ms = asked_ms
            ended = _parse_call(builder, f"{message.id}/{call_id}", call_id, name, given, is_new=call_id not in known)
            known.pop(call_id, None)
            known[call_id] = Call(id=call_id, ended=ended)
    return msgspec.structs.replace(message, calls=tuple(known.values())[-MAX_CALLS:])


def _parse_call(builder: Builder, key: str, call_id: str, name: str, given: Fields, *, is_new: bool) -> bool:
    """Adds what is new of a call: itself, its result and, if it succeeded, edits and answers. Returns whether it has
    ended."""
    args = fields_of(given.get("args"))
    shown = fields_of(given.get("resultDisplay"))
    builder.settle_above(first_text(args, *FILES, *FOLDERS))
    builder.settle_above(text_of(shown.get("filePath")))
    call, asked = opened(call_id, name, args, builder.context.cwd)
    if is_new:
        builder.add(f"{key}/call", call.as_event())
        for number, question in enumerate(asked):
            builder.add(f"{key}/question{number}", question.as_event(call_id))
    status = text_of(given.get("status"))
    if status not in ("success", "error", "cancelled"):
        return False
    builder.at(given.get("timestamp"))
    outcome = _outcome(call, status, given)
    builder.add(f"{key}/result", call.ended(outcome))
    if outcome.status == "ok":
        for number, change in enumerate(made(call, shown, is_new=is_true(shown.get("isNewFile")))):
            builder.add(f"{key}/edit{number}", as_edit(change, call_id))
        if asked:
            _add_answers(builder, key, call_id, asked, outcome.output)
        _parse_success(builder, key, call, args)
    elif name == "exit_plan_mode":
        _add_refused_plan(builder, key, call_id, outcome.user_words)
    return True


def _add_answers(builder: Builder, key: str, call_id: str, asked: Sequence[Asked], output: str) -> None:
    given = fields_of(output.encode("utf-8", "replace"))
    answers = fields_of(given.get("answers"))
    for number, question in enumerate(asked):
        text = text_of(answers.get(str(number))).strip()
        if text:
            builder.add(f"{key}/answer{number}", Answer(call_id=call_id, question=question.question, text=text))


def _add_refused_plan(builder: Builder, key: str, call_id: str, user_words: str) -> None:
    builder.add(f"{key}/plan", PlanProposal(call_id=call_id, text="", accepted=False))
    if user_words and builder.subagent_id is None:
        builder.add(f"{key}/feedback", UserPrompt(text=user_words))


def _parse_success(builder: Builder, key: str, call: OpenCall, args: Fields) -> None:
    if call.name == "write_todos":
        todos = plan_items(args.get("todos"), "description")
        builder.add(f"{key}/todos", PlanUpdate(items=todos))
    elif call.name == "update_topic":
        builder.learn(title=first_text(args, "title"))
    elif call.name == "exit_plan_mode":
        builder.add(f"{key}/plan", PlanProposal(call_id=call.id, text="", accepted=True))
    elif call.name == "complete_task" and builder.subagent_id is not None:
        # A sub-agent's answer: a text, or an object with texts.
        texts = map(text_of, fields_of(args.get("result")).values())
        text = "\n".join(filter(None, texts)) or text_of(args.get("result"))
        if text.strip():
            builder.add(f"{key}/answer", AssistantMessage(text=text, final=True))


def _outcome(call: OpenCall, status: str, given: Fields) -> ToolOutcome:
    output, error = _response(given)
    if status == "cancelled":
        denied = _DENIED.fullmatch(error) is not None
        return ToolOutcome("denied" if denied else "interrupted", error or output, never_ran=denied)
    if status == "error":
        return ToolOutcome("error", error or output, never_ran=NEVER_RAN.match(error or output) is not None)
    if call.op == "shell":
        return shell_outcome(output)
    if call.name == "exit_plan_mode" and output.startswith(_REJECTED):
        found = _FEEDBACK.fullmatch(output)
        return ToolOutcome("denied", output, user_words=found[1].strip() if found else "")
    if call.op == "ask" and output.startswith(_DISMISSED):
        return ToolOutcome("denied", output)
    said = fields_of(output.encode("utf-8", "replace")) if call.op == "other" else {}
    if text_of(said.get("status")) == "error":  # of an MCP tool, in a result that is marked as success
        return ToolOutcome("error", first_text(said, "error", "message") or output)
    return ToolOutcome("ok", output)


def _response(given: Fields) -> tuple[str, str]:
    """Returns a result's output and error: what the model was sent or, if that is missing, what the user saw."""
    for raw in rawjson.part_of(given.get("result", rawjson.ABSENT), list[msgspec.Raw]) or []:
        if response := fields_of(inside(raw, "functionResponse", "response")):
            return text_of(response.get("output")), text_of(response.get("error"))
    return text_of(given.get("resultDisplay")), ""
