"""Defines AGENT: how Copilot's sessions are found, read and parsed, and its hooks understood."""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.adapter.contract import Agent, Parsed, Record, Source
from carryover.adapter.lazily import lazily
from carryover.agents.copilot import locate
from carryover.agents.copilot.builder import Context
from carryover.agents.copilot.hooks import HOOKS
from carryover.agents.copilot.spec import SPEC
from carryover.readers.by_kind import ReaderByKind

_parse_chat: Final = lazily("carryover.agents.copilot.vscode_parse", "parse_record")
_parse_log: Final = lazily("carryover.agents.copilot.parse", "parse_record")


def _parse(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    # The records of chats begin as their reader makes them. Each kind of source has a part of the context.
    if record.data.startswith(b'{"kind":'):
        chat, parsed = _parse_chat(source, context.chat, record)
        return msgspec.structs.replace(context, chat=chat), parsed
    log, parsed = _parse_log(source, context.log, record)
    return msgspec.structs.replace(context, log=log), parsed


AGENT: Final = Agent(
    spec=SPEC,
    reader=ReaderByKind(locate.kind_to_read, locate.readers),
    context_type=Context,
    source_of=locate.source_of,
    sources=locate.sources,
    parse=_parse,
    hooks=HOOKS,
    exported=locate.exported,
)
