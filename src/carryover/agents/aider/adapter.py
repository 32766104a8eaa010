"""What the rest of Carryover sees of Aider."""

from __future__ import annotations

from typing import Final

from carryover.adapter.contract import Agent, Parsed, Record, Source
from carryover.agents.aider import locate
from carryover.agents.aider.context import Context
from carryover.agents.aider.history import HistoryReader
from carryover.agents.aider.spec import SPEC


def _parse(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    # Commands that only ask where histories are need not pay for it
    from carryover.agents.aider.parse import parse_record

    return parse_record(source, context, record)


AGENT: Final = Agent(
    spec=SPEC,
    reader=HistoryReader(),
    context_type=Context,
    source_of=locate.source_of,
    sources=locate.sources,
    parse=_parse,
    exported=locate.exported,
    in_projects=True,
)
