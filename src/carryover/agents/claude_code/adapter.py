"""What the rest of Carryover sees of Claude Code."""

from __future__ import annotations

from typing import Final

from carryover.adapter.contract import Agent, Parsed, Record, Source
from carryover.agents.claude_code import locate
from carryover.agents.claude_code.context import Context
from carryover.agents.claude_code.hooks import HOOKS
from carryover.agents.claude_code.spec import SPEC
from carryover.readers.jsonl import JsonlReader


def _parse(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    from carryover.agents.claude_code import parse  # `status` asks for the roots only, at a quarter of the cost

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
