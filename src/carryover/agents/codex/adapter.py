"""Defines AGENT: how Codex's transcripts are found, read and parsed, and its hooks understood."""

from __future__ import annotations

from typing import Final

from carryover.adapter.contract import Agent, QuotedText
from carryover.adapter.lazily import lazily
from carryover.agents.codex import locate
from carryover.agents.codex.builder import Context
from carryover.agents.codex.hooks import HOOKS
from carryover.agents.codex.spec import SPEC
from carryover.readers.jsonl import JsonlReader

AGENT: Final = Agent(
    spec=SPEC,
    reader=JsonlReader(),
    context_type=Context,
    source_of=locate.source_of,
    sources=locate.sources,
    parse=lazily("carryover.agents.codex.parse", "parse_record"),
    hooks=HOOKS,
    exported=locate.exported,
    quoted=QuotedText(
        prompt=lazily("carryover.agents.codex.messages", "read_prompt"),
        outcome=lazily("carryover.agents.codex.messages", "read_outcome"),
    ),
)
