"""What the rest of Carryover sees of opencode."""

from __future__ import annotations

from typing import Final

from carryover.adapter.contract import Agent, Parsed, Record, Source
from carryover.agents.opencode import locate
from carryover.agents.opencode.context import Context
from carryover.agents.opencode.spec import SPEC
from carryover.readers.by_kind import ReaderByKind


def _parse(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    # `status` asks for the roots only, at a quarter of the cost
    from carryover.agents.opencode.parse import parse_record

    return parse_record(source, context, record)


AGENT: Final = Agent(
    spec=SPEC,
    reader=ReaderByKind(locate.kind_of, locate.readers),
    context_type=Context,
    source_of=locate.source_of,
    sources=locate.sources,
    parse=_parse,
    exported=locate.exported,
)
