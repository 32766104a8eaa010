"""Defines AGENT: how Claude Code's transcripts are found, read and parsed, and its hooks understood."""

from __future__ import annotations

from typing import Final

from carryover.adapter.contract import Agent, QuotedText
from carryover.adapter.lazily import lazily
from carryover.agents.claude_code import locate
from carryover.agents.claude_code.builder import Context
from carryover.agents.claude_code.hooks import HOOKS
from carryover.agents.claude_code.spec import SPEC
from carryover.readers.jsonl import JsonlReader

AGENT: Final = Agent(
    spec=SPEC,
    reader=JsonlReader(),
    context_type=Context,
    source_of=locate.source_of,
    sources=locate.sources,
    parse=lazily("carryover.agents.claude_code.parse", "parse_record"),
    hooks=HOOKS,
    exported=locate.exported,
    quoted=QuotedText(
        prompt=lazily("carryover.agents.claude_code.parse", "read_prompt"),
        outcome=lazily("carryover.agents.claude_code.parse", "read_outcome"),
    ),
)
