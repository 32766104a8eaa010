"""Describes what is recognised in a file without a conversation, by its record types alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from carryover.adapter.contract import Agent, Parsed, Source
from carryover.agents import adapters, agent_name
from carryover.records.lenient import fields_of, text_of
from carryover.records.rawjson import label
from carryover.transcript.by_kind import reader_of_copies
from carryover.transcript.files import read_head

_MOST_TYPES: Final = 6
_DOCUMENT: Final = re.compile(rb'\s*(?:\{\s*["}]|\[\s*["{\[\]])')
_HEAD_BYTES: Final = 256 << 10


@dataclass(frozen=True, slots=True)
class Look:
    """What an adapter finds in the first records of a file. `unknown`: types of records that it does not understand."""

    agent: str
    events: int
    records: int
    unknown: Counter[str]

    @property
    def understood(self) -> int:
        """The number of records that were understood, including those known to hold nothing."""
        return self.records - self.unknown.total()


def look(agent: Agent, path: Path) -> Look:
    """Reads the first records of a file as if the agent had written it. Blocks."""
    try:
        batch = reader_of_copies(agent.reader).read(path, None)
    except (OSError, ValueError):  # ValueError: not this reader's kind of file at all
        return Look(agent.id, 0, 0, Counter())
    context = agent.context_type()
    events = 0
    unknown = Counter[str]()
    source = Source(agent=agent.id, path=str(path))
    for record in batch.records:
        context, parsed = agent.parse(source, context, record)
        events += len(parsed.events)
        if not parsed.events and record.number:
            unknown.update(_types_of(parsed))
    in_file = sum(record.number > 0 for record in batch.records)  # a reader's own record before them is number 0
    return Look(agent.id, events, in_file, unknown)


def _types_of(parsed: Parsed) -> list[str]:
    """The type of a record that was not understood, once."""
    return [skipped.record_type for skipped in parsed.skipped][:1]


def looks(path: Path) -> list[Look]:
    """Returns what each agent's adapter finds in a file, the best first."""
    found = (look(agent, path) for agent in adapters().values())
    return sorted(found, key=lambda each: (-each.events, -each.understood, each.agent))


def described(path: Path) -> str:
    """Returns sentences for people on what the file at `path` holds, and what can be done about it. Blocking."""
    head = read_head(path, _HEAD_BYTES).removeprefix(b"\xef\xbb\xbf")
    if b"\0" in head:
        return "It is not text, and no database of an agent."
    objects = [fields for line in head.splitlines() if (fields := fields_of(line.strip()))]
    best = looks(path)[0]
    if best.events or (objects and best.understood):
        return (
            f"It looks most like a transcript of {agent_name(best.agent)}: {counts(best)}. If a client wrote it as it "
            "is, report its version and these types."
        )
    if objects:
        types = Counter(label(text_of(fields.get("type")) or text_of(fields.get("kind"))) for fields in objects)
        return f"It holds JSON in lines, whose records no known agent writes, by type: {_listed(types.items())}."
    if _DOCUMENT.match(head):
        return (
            "It holds one JSON document, but no list of messages with `role` and `content` that a user and an "
            "assistant wrote in turns. It may be cut off."
        )
    return (
        "It holds text in which no lines begin turns: a chat needs some such as `user:` and `assistant:`, alternating."
    )


def counts(found: Look) -> str:
    """Returns in words how many of the first records were understood, and which types the others have."""
    what = f"{found.understood} of its first {found.records} records understood"
    unknown = found.unknown
    return f"{what}, {unknown.total()} not, by type: {_listed(unknown.items())}" if unknown else what


def _listed(types: Iterable[tuple[str, int]]) -> str:
    """Returns the most frequent types with their numbers: `message (3), state (1)`."""
    ordered = sorted(types, key=lambda each: (-each[1], each[0]))
    named = [f"{name} ({number})" for name, number in ordered[:_MOST_TYPES]]
    return ", ".join([*named, f"and {len(ordered) - _MOST_TYPES} more"] if len(ordered) > _MOST_TYPES else named)
