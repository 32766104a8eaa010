"""Defines AGENT: how Cascade's conversations are found, read and parsed, and its hooks understood."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from carryover.adapter.contract import Agent
from carryover.adapter.lazily import lazily
from carryover.agents.windsurf import locate
from carryover.agents.windsurf.builder import Context
from carryover.agents.windsurf.hooks import HOOKS
from carryover.agents.windsurf.spec import SPEC
from carryover.readers.by_kind import ReaderByKind

if TYPE_CHECKING:
    from carryover.agents.windsurf.conversation import ConversationReader


def _readers() -> dict[locate.Kind, ConversationReader]:
    from carryover.agents.windsurf.conversation import ConversationReader

    return {"spool": ConversationReader("spool"), "transcript": ConversationReader("transcript")}


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
