"""Texts of Claude Code's transcripts that another program copied without their records."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from carryover.adapter.contract import Record, Source, ToolOutcome
from carryover.agents.claude_code.context import Context
from carryover.agents.claude_code.parse import parse_record
from carryover.agents.claude_code.results import outcome_by_text
from carryover.agents.claude_code.spec import SPEC
from carryover.agents.claude_code.text import plain_output
from carryover.model import AnyBody, Op, SessionInfo

_SKILL: Final = "Skill"
"""The client answers this call with a `user` record that holds the skill's text, marked as its own (2.1.126)."""
_IMAGES: Final = re.compile(r"(?:\s*\[Image: source: [^\]\n]{1,1000}\])+\s*")
"""Where the images of a prompt came from: a record of the client's behind the prompt's (in exports of 2026)."""
_SOURCE: Final = Source(agent=SPEC.id, path="")


def read_prompt(text: str, after: str) -> tuple[AnyBody, ...]:
    """What the text of a `user` record holds; nothing where the client wrote it. `after`: see `QuotedText.prompt`."""
    if after == _SKILL or _IMAGES.fullmatch(text):
        return ()
    record = {
        "type": "user",
        "uuid": "quoted",
        "sessionId": "quoted",
        "timestamp": "2025-01-01T00:00:00Z",
        "message": {"role": "user", "content": text},
    }
    _, parsed = parse_record(_SOURCE, Context(), Record(number=1, data=msgspec.json.encode(record)))
    return tuple(event.body for event in parsed.events if not isinstance(event.body, SessionInfo))


def read_outcome(_op: Op, text: str) -> ToolOutcome:
    """How a call ended, by the text of its result."""
    return outcome_by_text(plain_output(text))
