"""What the product's adapter makes of the transcripts that a client has just written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from carryover.adapter.contract import Agent, Source
from carryover.agents import adapters
from carryover.model import Body, Event, Skipped

B = TypeVar("B", bound=Body)


@dataclass(frozen=True, slots=True)
class Understood:
    """Events by key, so that copies count once as they do in the ledger, and what was not understood."""

    events: dict[str, Event]
    skipped: list[Skipped]

    def all(self, kind: type[B], *, sidechains: bool = False) -> list[B]:
        """The bodies of one kind, in the order they were read; of the main conversation unless told otherwise."""
        chosen = [event for event in self.events.values() if sidechains or event.subagent_id is None]
        return [event.body for event in chosen if isinstance(event.body, kind)]


def understood(agent_id: str, home: Path) -> Understood:
    """Everything that agent has written below `home`, read by its adapter from the beginning."""
    agent = adapters()[agent_id]
    result = Understood({}, [])
    for root in agent.roots(home, {}):
        for source in agent.sources(root):
            _read(agent, source, result)
    return result


def _read(agent: Agent, source: Source, result: Understood) -> None:
    context, cursor, more = agent.context_type(), None, True
    while more:
        batch = agent.reader.read(Path(source.path), cursor)
        for record in batch.records:
            context, folded = agent.parse(source, context, record)
            result.events.update({event.key: event for event in folded.events if event.key not in result.events})
            result.skipped.extend(folded.skipped)
        cursor, more = batch.cursor, batch.more
