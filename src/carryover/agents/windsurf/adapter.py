"""Defines AGENT: how Cascade's conversations are found, read and parsed, and its hooks understood."""

from __future__ import annotations

from typing import Final

from carryover.adapter.contract import Agent, Reader
from carryover.adapter.lazily import lazily
from carryover.agents.windsurf import locate
from carryover.agents.windsurf.builder import Context
from carryover.agents.windsurf.hooks import HOOKS
from carryover.agents.windsurf.spec import SPEC
from carryover.readers.by_kind import ReaderByKind


def _readers() -> dict[locate.Kind, Reader]:
    from carryover.agents.windsurf.conversation import spool_reader, transcript_reader

    return {"spool": spool_reader(), "transcript": transcript_reader()}


AGENT: Final = Agent(
    spec=SPEC,
    reader=ReaderByKind(locate.kind_to_read, _readers),
    context_type=Context,
    source_of=locate.source_of,
    sources=locate.sources,
    parse=lazily("carryover.agents.windsurf.parse", "parse_record"),
    hooks=HOOKS,
    exported=locate.exported,
)
