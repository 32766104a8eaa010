"""What the rest of Carryover sees of Gemini CLI."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from carryover.adapter.contract import Agent, Parsed, Record, Source
from carryover.agents.gemini_cli import locate
from carryover.agents.gemini_cli.context import Context
from carryover.agents.gemini_cli.hooks import HOOKS
from carryover.agents.gemini_cli.reader import TranscriptReader
from carryover.agents.gemini_cli.spec import SPEC


def _parse(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    # `status` asks for the roots only, at a quarter of the cost
    from carryover.agents.gemini_cli.parse import parse_record

    return parse_record(source, context, record)


def _exported(path: Path, head: bytes) -> Source | None:
    from carryover.agents.gemini_cli import exported

    return exported.source_of_export(path, head)


AGENT: Final = Agent(
    spec=SPEC,
    reader=TranscriptReader(),
    context_type=Context,
    source_of=locate.source_of,
    sources=locate.sources,
    parse=_parse,
    hooks=HOOKS,
    exported=_exported,
)
