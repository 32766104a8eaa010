"""Texts of Codex's transcripts that another program copied without their records."""

from __future__ import annotations

from carryover.adapter.contract import ToolOutcome
from carryover.agents.codex.messages import typed_prompt
from carryover.agents.codex.outputs import read_output
from carryover.model import AnyBody, Op, UserPrompt


def read_prompt(text: str, _after: str) -> tuple[AnyBody, ...]:
    """What the text of a `user` message holds; nothing where the client wrote it."""
    words = typed_prompt(text)
    return (UserPrompt(text=words),) if words.strip() else ()


def read_outcome(op: Op, text: str) -> ToolOutcome:
    """How a call ended, by the text of its output."""
    found = read_output(op, text)
    return ToolOutcome(found.status, found.output, found.exit_code, found.never_ran)
