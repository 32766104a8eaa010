"""What the rest of Carryover sees of Gemini CLI."""

from __future__ import annotations

from typing import Final

from carryover.adapter.contract import Agent
from carryover.adapter.lazily import lazily
from carryover.agents.gemini_cli import locate
from carryover.agents.gemini_cli.builder import Context
from carryover.agents.gemini_cli.hooks import HOOKS
from carryover.agents.gemini_cli.reader import TranscriptReader
from carryover.agents.gemini_cli.spec import SPEC

AGENT: Final = Agent(
    spec=SPEC,
    reader=TranscriptReader(),
    context_type=Context,
    source_of=locate.source_of,
    sources=locate.sources,
    parse=lazily("carryover.agents.gemini_cli.parse", "parse_record"),
    hooks=HOOKS,
    exported=lazily("carryover.agents.gemini_cli.locate", "source_of_export"),
)
