"""What the rest of Carryover sees of Codex."""

from __future__ import annotations

from typing import Final

from carryover.adapter.contract import Agent, Folded, Record, Source
from carryover.agents.codex import transcripts
from carryover.agents.codex.context import Context
from carryover.agents.codex.hooks import HOOKS
from carryover.agents.codex.spec import SPEC
from carryover.readers.jsonl import JsonlReader


def _fold(source: Source, context: Context, record: Record) -> tuple[Context, Folded]:
    from carryover.agents.codex import normalise  # `status` asks for the roots only, at a quarter of the cost

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
