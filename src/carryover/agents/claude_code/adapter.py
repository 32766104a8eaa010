"""What the rest of Carryover sees of Claude Code."""

from __future__ import annotations

from typing import Final

from carryover.adapter.contract import Agent, Folded, Record, Source
from carryover.agents.claude_code import transcripts
from carryover.agents.claude_code.context import Context
from carryover.agents.claude_code.hooks import HOOKS
from carryover.agents.claude_code.spec import SPEC
from carryover.readers.jsonl import JsonlReader


def _fold(source: Source, context: Context, record: Record) -> tuple[Context, Folded]:
    from carryover.agents.claude_code import normalise  # `status` asks for the roots only, at a quarter of the cost

    return normalise.fold(source, context, record)


AGENT: Final = Agent(
    spec=SPEC,
    reader=JsonlReader(),
    context_type=Context,
    source_of=transcripts.source_of,
    sources=transcripts.sources,
    fold=_fold,
    hooks=HOOKS,
)
