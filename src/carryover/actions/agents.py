"""Agents as a user names them on a command line, and as messages name them."""

from __future__ import annotations

from carryover.adapter.spec import AgentSpec
from carryover.agents import agent_id_of, agent_name, specs

__all__ = ["agent_id_of", "agent_name"]


def declared_agents() -> list[str]:
    """Returns the names of the agents whose sources the user declared in the settings."""
    from carryover.config import settings_or_defaults
    from carryover.past.context import state_dir

    config, _ = settings_or_defaults(state_dir())
    return [source.agent for source in config.sources]


def agents_to_list(*, startable: bool = False) -> list[AgentSpec]:
    """Returns all agents, or those that can be started with a first prompt."""
    return [spec for spec in specs() if spec.start is not None or not startable]
