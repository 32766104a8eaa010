"""Defines AGENT: how Aider's chat histories are found, read and parsed."""

from __future__ import annotations

from typing import Final

from carryover.adapter.contract import Agent
from carryover.adapter.lazily import lazily
from carryover.agents.aider import locate
from carryover.agents.aider.history import HistoryReader, last_input
from carryover.agents.aider.spec import SPEC
from carryover.agents.aider.wire import Context

AGENT: Final = Agent(
    spec=SPEC,
    reader=HistoryReader(),
    context_type=Context,
    source_of=locate.source_of,
    sources=locate.sources,
    parse=lazily("carryover.agents.aider.parse", "parse_record"),
    exported=locate.exported,
    last_input=last_input,
)
