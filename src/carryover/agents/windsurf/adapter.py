"""What the rest of Carryover sees of Windsurf."""

from __future__ import annotations

from typing import Final

from carryover.adapter.contract import Agent
from carryover.adapter.lazily import lazily
from carryover.agents.windsurf import locate
from carryover.agents.windsurf.builder import Context
from carryover.agents.windsurf.hooks import HOOKS
from carryover.agents.windsurf.spec import SPEC

AGENT: Final = Agent(
    spec=SPEC,
    reader=locate.WindsurfReader(),
    context_type=Context,
    source_of=locate.source_of,
    sources=locate.sources,
    parse=lazily("carryover.agents.windsurf.parse", "parse_record"),
    hooks=HOOKS,
    exported=locate.exported,
)
