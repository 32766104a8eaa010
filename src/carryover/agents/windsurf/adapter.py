"""What the rest of Carryover sees of Windsurf."""

from __future__ import annotations

from typing import Final

from carryover.adapter.contract import Agent, Parsed, Record, Source
from carryover.agents.windsurf import locate
from carryover.agents.windsurf.context import Context
from carryover.agents.windsurf.hooks import HOOKS
from carryover.agents.windsurf.spec import SPEC


def _parse(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    # `status` asks for the roots only, at a quarter of the cost
    from carryover.agents.windsurf.parse import parse_record

    return parse_record(source, context, record)


AGENT: Final = Agent(
    spec=SPEC,
    reader=locate.WindsurfReader(),
    context_type=Context,
    source_of=locate.source_of,
    sources=locate.sources,
    parse=_parse,
    hooks=HOOKS,
    exported=locate.exported,
)
