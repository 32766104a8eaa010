"""What the rest of Carryover sees of Copilot."""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.adapter.contract import Agent, Parsed, Record, Source
from carryover.agents.copilot import locate
from carryover.agents.copilot.context import Context
from carryover.agents.copilot.hooks import HOOKS
from carryover.agents.copilot.spec import SPEC


def _parse(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    # Imported here, since `status` asks for the roots only. Each kind of source has a module and a part of the context.
    from carryover.agents.copilot import parse

    log, parsed = parse.parse_record(source, context.log, record)
    return msgspec.structs.replace(context, log=log), parsed


AGENT: Final = Agent(
    spec=SPEC,
    reader=locate.CopilotReader(),
    context_type=Context,
    source_of=locate.source_of,
    sources=locate.sources,
    parse=_parse,
    hooks=HOOKS,
)
