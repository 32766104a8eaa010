"""What the rest of Carryover sees of Codex."""

from __future__ import annotations

from typing import Final

from carryover.adapter.contract import Agent, Parsed, QuotedText, Record, Source, ToolOutcome
from carryover.agents.codex import locate
from carryover.agents.codex.context import Context
from carryover.agents.codex.hooks import HOOKS
from carryover.agents.codex.reader import RolloutReader
from carryover.agents.codex.spec import SPEC
from carryover.model import AnyBody, Op


def _parse(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    # `status` asks for the roots only, at a quarter of the cost
    from carryover.agents.codex.parse import parse_record

    return parse_record(source, context, record)


def _quoted_prompt(text: str, after: str) -> tuple[AnyBody, ...]:
    from carryover.agents.codex import quoted

    return quoted.read_prompt(text, after)


def _quoted_outcome(op: Op, text: str) -> ToolOutcome:
    from carryover.agents.codex import quoted

    return quoted.read_outcome(op, text)


AGENT: Final = Agent(
    spec=SPEC,
    reader=RolloutReader(),
    context_type=Context,
    source_of=locate.source_of,
    sources=locate.sources,
    parse=_parse,
    hooks=HOOKS,
    exported=locate.exported,
    quoted=QuotedText(prompt=_quoted_prompt, outcome=_quoted_outcome),
)
