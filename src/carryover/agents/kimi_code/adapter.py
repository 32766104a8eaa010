"""Defines AGENT: how Kimi Code's sessions are found, read and parsed."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Agent, Batch, Record
from carryover.adapter.lazily import lazily
from carryover.agents.kimi_code.builder import FACTS, Context
from carryover.agents.kimi_code.spec import SPEC
from carryover.readers.files import read_small
from carryover.readers.jsonl import JsonlReader
from carryover.readers.layouts import Layout, source_at, sources_below
from carryover.records.lenient import fields_of

_AGENT: Final = r"(?:main|(?P<subagent_id>agent-[A-Za-z0-9-]{1,100}))"
_FILE: Final = rf"(?P<group>[^/]+)/(?P<session>session_[A-Za-z0-9-]{{1,100}})/agents/{_AGENT}/wire\.jsonl"
_LAYOUTS: Final = (Layout(globs=("*/session_*/agents/*/wire.jsonl",), pattern=_FILE),)
"""The group is made of the start folder's name and a hash."""
_MAX_STATE_BYTES: Final = 1 << 20


class _Reader(JsonlReader):
    """Reads an agent's lines, after a record with the facts about the session, which stand in another file."""

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """See `JsonlReader.read`."""
        batch = super().read(path, cursor)
        if not batch.records:
            return batch
        try:
            state = fields_of(read_small(path.parent.parent.parent / "state.json", limit=_MAX_STATE_BYTES))
        except OSError:  # it is not there yet, or this is a copy
            state = {}
        first = Record(number=0, data=msgspec.json.encode({"type": FACTS, "facts": state}))
        return msgspec.structs.replace(batch, records=(first, *batch.records))


AGENT: Final = Agent(
    spec=SPEC,
    reader=_Reader(),
    context_type=Context,
    source_of=partial(source_at, SPEC.id, _LAYOUTS),
    sources=partial(sources_below, SPEC.id, _LAYOUTS),
    parse=lazily("carryover.agents.kimi_code.parse", "parse_record"),
)
