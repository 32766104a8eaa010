"""Reads a source to its end as the core does, and finds what it became."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from carryover.agents.opencode.adapter import AGENT
from carryover.model import Body
from contract.case import Reading, read_on

B = TypeVar("B", bound=Body)


def read(path: Path, root: Path | None = None, reading: Reading | None = None) -> Reading:
    """Everything that is new in a source; nothing of it may be skipped."""
    source = AGENT.source_of(path, root or path.parent)
    assert source is not None
    found = read_on(AGENT, source, reading)
    assert found.skipped == []
    return found


def bodies(reading: Reading, kind: type[B], *, session: str | None = None, subagent_id: str | None = None) -> list[B]:
    """What of one kind happened, in the main conversation unless a sub-agent is named."""
    chosen = (e for e in reading.events if e.subagent_id == subagent_id and session in (None, e.session))
    return [event.body for event in chosen if isinstance(event.body, kind)]
