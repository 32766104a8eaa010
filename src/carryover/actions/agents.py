"""Agents as a user names them on a command line, and as messages name them."""

from __future__ import annotations

from typing import NamedTuple

from carryover.agents import agent_id_of, agent_name, specs

__all__ = ["agent_id_of", "agent_name"]


class Known(NamedTuple):
    """An agent that Carryover knows.

    >>> Known("claude-code", "Claude Code", ("claude",)).called
    'claude-code (claude)'
    """

    id: str
    name: str
    aliases: tuple[str, ...]

    @property
    def called(self) -> str:
        """Its id with its other names: `claude-code (claude)`."""
        return f"{self.id} ({', '.join(self.aliases)})" if self.aliases else self.id


def declared_agents() -> list[str]:
    """Returns the names of the agents whose sources the user declared in the settings."""
    from carryover.config import settings_or_defaults
    from carryover.past.context import state_dir

    config, _ = settings_or_defaults(state_dir())
    return [source.agent for source in config.sources]


def agents_to_list(*, startable: bool = False) -> list[Known]:
    """Returns all agents, or those that can be started with a first prompt."""
    return [
        Known(spec.id, spec.name, tuple(spec.aliases)) for spec in specs() if spec.start is not None or not startable
    ]
