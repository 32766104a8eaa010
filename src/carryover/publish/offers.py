"""In which agents a person can go on."""

from __future__ import annotations

from carryover.agents import adapters
from carryover.config import Config


def startable(config: Config) -> tuple[str, ...]:
    """Ids of the covered agents that can be started with a first prompt, as far as Carryover was installed for them."""
    selected = config.agents.selected
    return tuple(
        agent.id
        for agent in adapters().values()
        if agent.spec.start is not None and (selected is None or agent.id in selected)
    )
