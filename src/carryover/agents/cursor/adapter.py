"""What the rest of Carryover sees of Cursor."""

from __future__ import annotations

from typing import Final

from carryover.adapter.contract import Agent, Folded, Record, Source
from carryover.agents.cursor import transcripts
from carryover.agents.cursor.context import Context
from carryover.agents.cursor.hooks import HOOKS
from carryover.agents.cursor.spec import SPEC


def _fold(source: Source, context: Context, record: Record) -> tuple[Context, Folded]:
    from carryover.agents.cursor import normalise  # `status` asks for the roots only, at a quarter of the cost

    return normalise.fold(source, context, record)


AGENT: Final = Agent(
    spec=SPEC,
    reader=transcripts.CursorReader(),
    context_type=Context,
    source_of=transcripts.source_of,
    sources=transcripts.sources,
    fold=_fold,
    hooks=HOOKS,
)
