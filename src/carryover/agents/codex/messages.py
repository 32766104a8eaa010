"""Prompts, answers and summaries: who wrote them, and which of their two records counts."""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec

from carryover.adapter.contract import ToolOutcome
from carryover.adapter.event_builder import usable_name
from carryover.agents.codex import wire
from carryover.agents.codex.builder import Builder
from carryover.agents.codex.commands import read_output
from carryover.agents.codex.wire import SUMMARY_KINDS
from carryover.model import Actor, AgentSummary, AnyBody, AssistantMessage, BackgroundTask, Op, PlanProposal, UserPrompt
from carryover.records import rawjson
from carryover.records.fields import digest
from carryover.records.lenient import fields_of, text_of
from carryover.records.summary import parts_by_heading
from carryover.records.text import tagged, without_handoff

_NOTIFICATION: Final = b"<subagent_notification>"
_ENDED: Final[dict[str, Literal["done", "failed", "stopped"]]] = {
    "completed": "done",
    "errored": "failed",
    "interrupted": "stopped",
    "shutdown": "stopped",
}
_PHASES: Final = {"final_answer": True, "commentary": False}
_REQUEST: Final = "## My request for Codex:"
_EDITORS_WORDS: Final = ("# Context from my IDE setup:", "# Files mentioned by the user:")
_CLIENTS: Final = frozenset(("environment_context", "user_instructions"))
_ENVIRONMENT: Final = "<environment_context>"
_PREFACE: Final = re.compile(
    r"\AAnother language model started to solve this problem.{0,800}?to assist with your own analysis:\s*", re.DOTALL
)
"""The client's preface to a summary, for the model that reads it, as worded in 0.169."""


def parse_prompt(builder: Builder, text: str, attachments: int) -> None:
    """Handles a prompt. A sub-agent's prompt comes from its parent, a review's from the client."""
    if builder.context.review:
        return
    words = _typed(text)
    if not words.strip() and not attachments:
        return
    actor: Actor = "human" if builder.context.subagent_id is None else "model"
    builder.add(UserPrompt(text=words, actor=actor, attachments=attachments), "prompt", digest(text))


def parse_answer(builder: Builder, text: str, phase: str | None) -> None:
    """Handles a text of the model. Without a phase it is unknown whether the text is the final answer."""
    if text.strip():
        builder.add(AssistantMessage(text=text, final=_PHASES.get(phase or "")), "said", digest(text))


def parse_item_message(builder: Builder, kind: str, item: msgspec.Raw) -> None:
    """Handles `UserMessage` and `AgentMessage`, which count in the paginated family only."""
    if builder.context.family == "legacy":
        return
    message = rawjson.part_of(item, wire.MessageItem)
    if message is None:
        builder.skip(f"item_completed/{kind}", "unexpected shape")
        return
    builder.change(family="paginated")
    text = "".join(part.text for part in message.content if part.type.lower() == "text" and part.text)
    if kind == "AgentMessage":
        parse_answer(builder, text, message.phase)
    else:
        parse_prompt(builder, text, sum("image" in part.type.lower() for part in message.content))


def parse_plan(builder: Builder, plan: wire.PlanItem) -> None:
    """Handles a plan put before the user. Only the next prompt shows whether it is accepted."""
    if plan.text.strip() and usable_name(plan.id):
        builder.add_of_call(PlanProposal(call_id=plan.id, text=plan.text.strip()), "plan", plan.id)


def parse_event_message(builder: Builder, kind: str, payload: msgspec.Raw) -> None:
    """Handles `user_message` and `agent_message`, which count in the legacy family only."""
    if builder.context.family == "paginated":
        return
    message = rawjson.part_of(payload, wire.Message)
    if message is None:
        builder.skip(f"event_msg/{kind}", "unexpected shape")
        return
    builder.change(family="legacy")
    if kind == "agent_message":
        parse_answer(builder, message.message, message.phase)
    elif rawjson.string_of(message.kind) not in _CLIENTS:
        images = (rawjson.part_of(raw, list[msgspec.Raw]) for raw in (message.images, message.local_images))
        parse_prompt(builder, message.message, sum(len(found or ()) for found in images))


def parse_compacted(builder: Builder, payload: msgspec.Raw) -> None:
    """Handles the summary that replaces the conversation. Its `replacement_history` repeats old prompts."""
    compacted = rawjson.part_of(payload, wire.Compacted)
    if compacted is None:
        builder.skip("compacted", "unexpected shape")
        return
    text = without_handoff(compacted.message).strip()
    summary = _PREFACE.sub("", text)
    if summary:
        parts = parts_by_heading(summary, SUMMARY_KINDS)
        builder.add(AgentSummary(text=summary, source="compaction", parts=parts), "summary", digest(text))


def parse_report(builder: Builder, payload: msgspec.Raw) -> None:
    """Handles the report of a sub-agent in a `message`.

    All other messages repeat prompts or answers, or hold what the client and hooks add, such as our own handoff.
    """
    if _NOTIFICATION not in bytes(payload):
        return
    words = rawjson.part_of(payload, wire.Words)
    text = rawjson.text_of(words.content) if words is not None and words.role == "user" else None
    given = tagged(text or "", "subagent_notification") if (text or "").startswith("<subagent_notification>") else None
    said = fields_of((given or "").strip().encode("utf-8", "replace"))
    agent = usable_name(text_of(said.get("agent_path")))
    # The status is a name, or an object of one name with the sub-agent's last words (0.169).
    name, report = next(iter(fields_of(said.get("status")).items()), (text_of(said.get("status")), None))
    if agent is not None and (state := _ENDED.get(name)) is not None:
        body = BackgroundTask(task_id=agent, state=state, report=without_handoff(text_of(report)).strip())
        builder.add_of_call(body, f"report/{digest(given or '')}", agent)


def environment_folder(payload: msgspec.Raw) -> str | None:
    """Returns the folder in the message by which the client tells the model where it is; None for any other message."""
    words = rawjson.part_of(payload, wire.Words)
    text = rawjson.text_of(words.content) if words is not None and words.role == "user" else None
    return tagged(text, "cwd") if text is not None and text.startswith(_ENVIRONMENT) else None


def typed_prompt(text: str) -> str:
    """Returns the user's words in the text of a `user` message; empty for a message from the client."""
    return "" if text.startswith(tuple(f"<{name}>" for name in _CLIENTS)) else _typed(text)


def _typed(text: str) -> str:
    """Returns a prompt without what the client's editor extension puts before it (reported, not in a recording)."""
    if text.startswith(_EDITORS_WORDS) and _REQUEST in text:
        return text.partition(_REQUEST)[2].strip()
    return text


def read_prompt(text: str, _after: str) -> tuple[AnyBody, ...]:
    """Returns the events in the text of a `user` message; none if the client wrote it."""
    words = typed_prompt(text)
    return (UserPrompt(text=words),) if words.strip() else ()


def read_outcome(op: Op, text: str) -> ToolOutcome:
    """Determines how a call ended from the text of its output."""
    found = read_output(op, text)
    return ToolOutcome(found.status, found.output, found.exit_code, found.never_ran)
