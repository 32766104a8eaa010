"""Folds events into the digest of their thread. The rules are in `turns` and `calls`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from carryover.distill import calls, turns
from carryover.distill.digest import Digest
from carryover.distill.quotes import clip_middle
from carryover.model import (
    AgentSummary,
    Answer,
    AnyBody,
    AssistantMessage,
    BackgroundTask,
    Event,
    FileEdit,
    PlanProposal,
    PlanUpdate,
    Question,
    QueuedPrompt,
    ToolCall,
    ToolResult,
    TurnEnd,
    UserPrompt,
)

_RULES: Final[dict[type, Callable[[Digest, Event, Any], Digest]]] = {
    UserPrompt: turns.prompt,
    AssistantMessage: turns.message,
    Answer: turns.answer,
    AgentSummary: turns.summary,
    TurnEnd: turns.ending,
    ToolCall: calls.call,
    ToolResult: calls.result,
    FileEdit: calls.edit,
    PlanUpdate: turns.plan,
    PlanProposal: turns.proposal,
    Question: turns.question,
    QueuedPrompt: turns.queued,
    BackgroundTask: turns.job,
}

MAX_CHARS: Final = 200_000
"""Most characters that are read of a prompt, an answer or a plan."""


def fold(digest: Digest, event: Event) -> Digest:
    """Returns the digest after `event`; the same object if nothing changes."""
    rule = _RULES.get(type(event.body))
    if rule is None:
        return digest
    after = rule(digest, event, _bounded(event.body))
    if after is not digest and event.at_ms > after.last_ms:
        after = replace(after, last_ms=event.at_ms)
    return after


def _bounded(body: AnyBody) -> AnyBody:
    """Cuts a pasted text of megabytes: its ends show what it is for, and reading all of it would delay others."""
    text = getattr(body, "text", "")
    return body if len(text) <= MAX_CHARS else replace(body, text=clip_middle(text, chars=MAX_CHARS))
