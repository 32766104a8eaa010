"""Defines AGENT: how gptme's conversations are found, read and parsed. No hook of it reaches the model (0.35.1)."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Agent, Reader, Source
from carryover.adapter.event_builder import OpenCall, SessionContext
from carryover.adapter.lazily import lazily
from carryover.agents.gptme.spec import SPEC
from carryover.model import PlanItem
from carryover.readers.by_kind import ReaderByKind
from carryover.readers.layouts import Layout, source_at, sources_below
from carryover.records.fields import session_of_copy
from carryover.text.pattern import later

_LAYOUTS: Final = (Layout(globs=("*/conversation.jsonl",), pattern=r"(?P<session>[^/]+)/conversation\.jsonl"),)
_HEAD: Final = later(rb'\{"role": "system", "content": "You are gptme\b')


class Context(SessionContext, frozen=True, omit_defaults=True):
    """What must be remembered from one message to the next."""

    calls: tuple[OpenCall, ...] = ()
    """The calls of the last answer whose results have not come yet."""
    todos: dict[str, PlanItem] = msgspec.field(default_factory=dict)
    said: tuple[bytes, ...] = ()
    """Keys of the newest events that `/undo` takes back. They are bytes because a text might be taken for a secret."""
    gone: tuple[bytes, ...] = ()
    """Those that have not come again since the conversation was rewritten."""
    summary_next: bool = False
    """Whether the next answer is the summary of a compaction."""


def _readers() -> dict[str, Reader]:
    from carryover.agents.gptme.reader import conversation_in
    from carryover.readers.rewritten import SnapshotReader

    return {"": SnapshotReader(conversation_in)}


def _source_of_copy(path: Path, head: bytes) -> Source | None:
    session = session_of_copy(path.stem, head) if _HEAD.match(head) else None
    return Source(agent=SPEC.id, path=str(path), session=session) if session is not None else None


AGENT: Final = Agent(
    spec=SPEC,
    reader=ReaderByKind(lambda _: "", _readers),
    context_type=Context,
    source_of=partial(source_at, SPEC.id, _LAYOUTS),
    sources=partial(sources_below, SPEC.id, _LAYOUTS),
    parse=lazily("carryover.agents.gptme.parse", "parse_record"),
    exported=_source_of_copy,
)
