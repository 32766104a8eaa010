"""Defines AGENT: how Gemini CLI's transcripts are found, read and parsed, and its hooks understood."""

from __future__ import annotations

from typing import Final

from carryover.adapter.contract import Agent, Reader
from carryover.adapter.lazily import lazily
from carryover.agents.gemini_cli import locate
from carryover.agents.gemini_cli.builder import Context
from carryover.agents.gemini_cli.hooks import HOOKS
from carryover.agents.gemini_cli.spec import SPEC
from carryover.readers.by_kind import ReaderByKind


def _readers() -> dict[str, Reader]:
    from carryover.agents.gemini_cli.reader import LinesReader, document_reader

    return {locate.DOCUMENT: document_reader(), locate.LINES: LinesReader()}


AGENT: Final = Agent(
    spec=SPEC,
    reader=ReaderByKind(locate.kind_of, _readers),
    context_type=Context,
    source_of=locate.source_of,
    sources=locate.sources,
    parse=lazily("carryover.agents.gemini_cli.parse", "parse_record"),
    hooks=HOOKS,
    exported=lazily("carryover.agents.gemini_cli.locate", "source_of_export"),
)
