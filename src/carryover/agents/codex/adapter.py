"""What the rest of Carryover sees of Codex."""

from __future__ import annotations

from typing import Final

from carryover.adapter.contract import Agent, Parsed, Record, Source
from carryover.agents.codex import locate
from carryover.agents.codex.context import Context
from carryover.agents.codex.hooks import HOOKS
from carryover.agents.codex.spec import SPEC
from carryover.readers.jsonl import JsonlReader


def _parse(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    from carryover.agents.codex import parse  # `status` asks for the roots only, at a quarter of the cost

    return parse.parse_record(source, context, record)


AGENT: Final = Agent(
    spec=SPEC,
    reader=JsonlReader(),
    context_type=Context,
    source_of=locate.source_of,
    sources=locate.sources,
    parse=_parse,
    hooks=HOOKS,
)
