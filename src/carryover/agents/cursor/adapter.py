"""Defines AGENT: how Cursor's conversations are found, read and parsed, and its hooks understood."""

from __future__ import annotations

from typing import Final

from carryover.adapter.contract import Agent
from carryover.adapter.lazily import lazily
from carryover.agents.cursor import locate
from carryover.agents.cursor.context import Context
from carryover.agents.cursor.hooks import HOOKS
from carryover.agents.cursor.spec import SPEC
from carryover.readers.by_kind import ReaderByKind

AGENT: Final = Agent(
    spec=SPEC,
    reader=ReaderByKind(locate.kind_to_read, locate.readers),
    context_type=Context,
    source_of=locate.source_of,
    sources=locate.sources,
    parse=lazily("carryover.agents.cursor.parse", "parse_record"),
    hooks=HOOKS,
    exported=locate.exported,
)
