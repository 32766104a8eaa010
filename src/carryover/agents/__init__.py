"""The agents Carryover knows. Each lives in a folder of its own, whose `AGENT` is the only name others use."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Collection
from functools import cache

from carryover.adapter.contract import Agent
from carryover.adapter.spec import AgentSpec
from carryover.agents.known import NAME_ONLY
from carryover.model import AGENT_IDS


@cache
def adapters() -> dict[str, Agent]:
    """The agents that have an adapter, by id, in the order of `AGENT_IDS`."""
    found = {}
    for agent_id in AGENT_IDS:
        module_name = f"{__name__}.{agent_id.replace('-', '_')}"
        if importlib.util.find_spec(module_name) is None:
            continue
        agent: Agent = importlib.import_module(module_name).AGENT
        found[agent_id] = agent
    return found


def specs() -> tuple[AgentSpec, ...]:
    """How each agent of `AGENT_IDS`, in that order, is found on a machine; those without an adapter by name only."""
    known = adapters()
    return tuple(known[agent_id].spec if agent_id in known else NAME_ONLY[agent_id] for agent_id in AGENT_IDS)


def startable_agents(selected: Collection[str] | None) -> tuple[str, ...]:
    """Ids of the agents that can be started with a first prompt; of the `selected` ones, where these are known."""
    return tuple(
        agent.id
        for agent in adapters().values()
        if agent.spec.start is not None and (selected is None or agent.id in selected)
    )
