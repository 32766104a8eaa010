"""Records of any agent, one per line: nothing raises, what comes of them can be stored, and the same twice is the same.

What is stored holds no secret that a second look finds, and the digest of it can be stored and read again.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Agent, Record, Source
from carryover.distill.digest import Digest
from carryover.distill.fold import fold
from carryover.ingest.sanitize import clean_body, clean_context
from carryover.model import Event, Skipped
from contract.case import Case, moved, source_at
from contract.folder import folders
from fuzz.bytes import chosen

LARGEST: Final = 6_000
_MOST_SEEDS: Final = 6
_MOST_LINES: Final = 5


@cache
def cases() -> tuple[tuple[Agent, Case, Source], ...]:
    """Returns the kinds of sources of every agent, with a source of each."""
    found = []
    for folder in folders():
        agent = folder.agent
        assert agent is not None
        for _, case in sorted(folder.cases.items()):
            source = source_at(agent, case.recordings[0])
            found.append((agent, case, moved(source, Path("/transcripts") / Path(source.path).name)))
    return tuple(found)


def check(data: bytes, folder: Path) -> None:
    (agent, _, source), rest = chosen(data, cases())
    lines = rest.split(b"\n")
    events, skipped, context = _parsed(agent, source, lines)
    assert (events, skipped, context) == _parsed(agent, source, lines)
    assert all(each.reason and "\n" not in each.reason for each in skipped)
    digest = Digest()
    for event in events:
        assert event.at_ms > 0
        assert event.session
        body = clean_body(event.body, {})
        stored = msgspec.json.encode(body)
        assert msgspec.json.decode(stored, type=type(body)) == body
        digest = fold(digest, [msgspec.structs.replace(event, body=body)])
    assert msgspec.json.decode(msgspec.json.encode(digest), type=Digest) == digest


def _parsed(agent: Agent, source: Source, lines: list[bytes]) -> tuple[list[Event], list[Skipped], bytes]:
    events: list[Event] = []
    skipped: list[Skipped] = []
    context = agent.context_type()
    for number, line in enumerate(lines, 1):
        context, parsed = agent.parse(source, context, Record(number=number, data=line))
        events += parsed.events
        skipped += parsed.skipped
    return events, skipped, clean_context(context)


def seeds() -> Iterable[bytes]:
    for number, (agent, case, _) in enumerate(cases()):
        for recording in case.recordings[:_MOST_SEEDS]:
            records = [record.data for record in agent.reader.read(recording.path, None).records]
            small = [data for data in records if b"\n" not in data and len(data) < LARGEST // _MOST_LINES]
            for at in range(0, len(small), _MOST_LINES):
                yield bytes([number]) + b"\n".join(small[at : at + _MOST_LINES])
