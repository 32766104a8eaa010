"""Prompts, answers and summaries: who wrote them, and which of their two records counts."""

from __future__ import annotations

import re
from typing import Final, Literal

from carryover.adapter.contract import ToolOutcome
from carryover.adapter.event_builder import usable_name
from carryover.agents.codex.builder import Builder
from carryover.agents.codex.outputs import read_output
from carryover.agents.codex.wire import SUMMARY_KINDS
from carryover.model import AgentSummary, AnyBody, AssistantMessage, BackgroundTask, Op, PlanProposal, UserPrompt
from carryover.records import rawjson
from carryover.records.fields import digest
from carryover.records.lenient import fields_of, items_of, text_of
from carryover.records.summary import parts_by_heading
from carryover.records.text import tagged, without_handoff

_ENDED: Final[dict[str, Literal["done", "failed", "stopped"]]] = {
    "completed": "done",
    "errored": "failed",
    "interrupted": "stopped",
    "shutdown": "stopped",
}
_PHASES: Final = {"final_answer": True, "commentary": False}
_REQUEST: Final = "## My request for Codex:"
_EDITORS_WORDS: Final = ("# Context from my IDE setup:", "# Files mentioned by the user:")
_CLIENTS: Final = ("environment_context", "user_instructions")
_PREFACE: Final = re.compile(
    r"\AAnother language model started to solve this problem.{0,800}?to assist with your own analysis:\s*", re.DOTALL
)
"""The client's preface to a summary, for the model that reads it, as worded in 0.169."""


def parse_item_message(builder: Builder) -> None:
    """Handles `UserMessage` and `AgentMessage`, which count in the paginated family only."""
    if builder.context.family == "legacy":
        return
    content = builder.data.get("content", rawjson.ABSENT)
    if bytes(content)[:1] != b"[":
        builder.skip(builder.name, "unexpected shape")
        return
    builder.change(family="paginated")
    kinds = [text_of(fields_of(part).get("type")).lower() for part in items_of(content)]
    texts = (text_of(fields_of(part).get("text")) for part in items_of(content))
    text = "".join(text for kind, text in zip(kinds, texts, strict=True) if kind == "text")
    if builder.name.endswith("AgentMessage"):
        _add_answer(builder, text)
    else:
        _add_prompt(builder, text, sum("image" in kind for kind in kinds))


def parse_event_message(builder: Builder) -> None:
    """Handles `user_message` and `agent_message`, which count in the legacy family only."""
    if builder.context.family == "paginated":
        return
    text = rawjson.string_of(builder.data.get("message", rawjson.ABSENT))
    if text is None:
        builder.skip(builder.name, "unexpected shape")
        return
    builder.change(family="legacy")
    if builder.name.endswith("agent_message"):
        _add_answer(builder, text)
    elif builder.text("kind") not in _CLIENTS:
        images = (items_of(builder.data.get(name)) for name in ("images", "local_images"))
        _add_prompt(builder, text, sum(map(len, images)))


def parse_plan(builder: Builder) -> None:
    """Handles a plan put before the user. Only the next prompt shows whether it is accepted."""
    text, call_id = builder.text("text").strip(), builder.call_id
    if text and call_id is not None:
        builder.add_of_call(PlanProposal(call_id=call_id, text=text), "plan", call_id)


def parse_compacted(builder: Builder) -> None:
    """Handles the summary that replaces the conversation. Its `replacement_history` repeats old prompts."""
    text = without_handoff(builder.text("message")).strip()
    if summary := _PREFACE.sub("", text):
        parts = parts_by_heading(summary, SUMMARY_KINDS)
        builder.add(AgentSummary(text=summary, source="compaction", parts=parts), "summary", digest(text))


def clients_message(builder: Builder, tag: str) -> str | None:
    """Returns the text of a `message` by which the client tells the model something, if `tag` begins it.

    All other messages repeat prompts or answers, or hold what the client and hooks add, such as our own handoff.
    """
    content = builder.data.get("content", rawjson.ABSENT)
    if builder.text("role") != "user" or tag.encode() not in bytes(content):
        return None
    text = rawjson.text_of(content) or ""
    return text if text.startswith(f"<{tag}>") else None


def parse_report(builder: Builder) -> None:
    """Handles the report of a sub-agent."""
    given = tagged(clients_message(builder, "subagent_notification") or "", "subagent_notification") or ""
    said = fields_of(given.strip().encode("utf-8", "replace"))
    agent = usable_name(text_of(said.get("agent_path")))
    # The status is a name, or an object of one name with the sub-agent's last words (0.169).
    name, report = next(iter(fields_of(said.get("status")).items()), (text_of(said.get("status")), None))
    if agent is not None and (state := _ENDED.get(name)) is not None:
        body = BackgroundTask(task_id=agent, state=state, report=without_handoff(text_of(report)).strip())
        builder.add_of_call(body, f"report/{digest(given)}", agent)


def read_prompt(text: str, _after: str) -> tuple[AnyBody, ...]:
    """Returns the events in the text of a `user` message; none if the client wrote it."""
    words = "" if text.startswith(tuple(f"<{name}>" for name in _CLIENTS)) else _typed(text)
    return (UserPrompt(text=words),) if words.strip() else ()


def read_outcome(op: Op, text: str) -> ToolOutcome:
    """Determines how a call ended from the text of its output."""
    found = read_output(op, text)
    return ToolOutcome(found.status, found.output, found.exit_code, found.never_ran)


def _add_prompt(builder: Builder, text: str, attachments: int) -> None:
    """Adds a prompt. A sub-agent's prompt comes from its parent, a review's from the client."""
    words = _typed(text)
    if not builder.context.review and (words.strip() or attachments):
        actor: Literal["human", "model"] = "human" if builder.context.subagent_id is None else "model"
        builder.add(UserPrompt(text=words, actor=actor, attachments=attachments), "prompt", digest(text))


def _add_answer(builder: Builder, text: str) -> None:
    """Adds a text of the model. Without a phase it is unknown whether the text is the final answer."""
    if text.strip():
        builder.add(AssistantMessage(text=text, final=_PHASES.get(builder.text("phase"))), "said", digest(text))


def _typed(text: str) -> str:
    """Returns a prompt without what the client's editor extension puts before it (reported, not in a recording)."""
    if text.startswith(_EDITORS_WORDS) and _REQUEST in text:
        return text.partition(_REQUEST)[2].strip()
    return text
