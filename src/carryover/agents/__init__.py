"""The agents Carryover knows. Each lives in a folder of its own, whose `AGENT` is the only name others use."""

from __future__ import annotations

import importlib
import importlib.util
from functools import cache

from carryover.agents.contract import Agent
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
