"""Defines AGENT: how opencode's sessions are found, read and parsed."""

from __future__ import annotations

from typing import Final

from carryover.adapter.contract import Agent
from carryover.adapter.lazily import lazily
from carryover.agents.opencode import locate
from carryover.agents.opencode.spec import SPEC
from carryover.agents.opencode.wire import Context
from carryover.readers.by_kind import ReaderByKind

AGENT: Final = Agent(
    spec=SPEC,
    reader=ReaderByKind(locate.kind_of, locate.readers),
    context_type=Context,
    source_of=locate.source_of,
    sources=locate.sources,
    parse=lazily("carryover.agents.opencode.parse", "parse_record"),
    exported=locate.exported,
)
